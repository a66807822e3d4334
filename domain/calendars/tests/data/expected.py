"""Writes beside each calendar here what `recurring-ical-events` makes of it.

    pip install icalendar==7.3.0 recurring-ical-events==3.8.2 tzdata==2026.6
    python3 expected.py

Window and zone of a calendar are taken from the JSON file that is there; a new
one needs to be begun with them.
"""

import datetime
import json
import pathlib
import warnings
import zoneinfo

import icalendar
import recurring_ical_events

UTC = datetime.timezone.utc
warnings.simplefilter("ignore")


def moment(time, zone):
    """Whole days, and times that name no zone, are those of `zone`."""
    if not isinstance(time, datetime.datetime):
        time = datetime.datetime(time.year, time.month, time.day)
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)


def is_cancelled(event):
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def absences(calendar, begin, end, zone):
    zone = zoneinfo.ZoneInfo(str(calendar.get("X-WR-TIMEZONE", zone)))
    # The library returns what was cancelled, too.
    masters = [event for event in calendar.walk("VEVENT") if "RECURRENCE-ID" not in event]
    cancelled = {str(event["UID"]) for event in masters if is_cancelled(event)}
    days = datetime.timedelta(days=3)
    found = {}
    for event in recurring_ical_events.of(calendar).between(begin - days, end + days):
        uid = str(event["UID"])
        start, stop = moment(event["DTSTART"].dt, zone), moment(event["DTEND"].dt, zone)
        if uid not in cancelled and not is_cancelled(event) and start < stop and start < end and begin < stop:
            name = f"{uid} | {str(event['SUMMARY']).strip()}"
            form = "%Y-%m-%dT%H:%M:%SZ"
            found.setdefault(name, set()).add(f"{start.strftime(form)}/{stop.strftime(form)}")
    return {name: sorted(times) for name, times in sorted(found.items())}


for path in sorted(pathlib.Path(__file__).parent.glob("*.json")):
    expected = json.loads(path.read_text())
    begin, end = (datetime.datetime.fromisoformat(expected[name]) for name in ("from", "until"))
    calendar = icalendar.Calendar.from_ical(path.with_suffix(".ics").read_bytes())
    expected["absences"] = absences(calendar, begin, end, expected["zone"])
    path.write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")

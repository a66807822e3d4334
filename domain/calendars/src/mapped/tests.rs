use super::*;
use serde_json::json;

const DAY: i64 = 86_400_000;
/// 2025-06-30 in UTC.
const BEGIN: i64 = 1_751_241_600_000;

fn mapping(changes: &Value) -> Mapping {
    let mut mapping = json!({"items": "/data/list", "uid": "/id", "who": "/employee/email", "from": "/start",
        "until": "/end"});
    mapping.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    mapping.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    serde_json::from_value(mapping).unwrap()
}

fn read(item: &Value, changes: &Value) -> Read {
    let document = json!({"data": {"list": [item]}}).to_string();
    let mapping = mapping(changes);
    assert_eq!(mapping.check(), Ok(()));
    absences(document.as_bytes(), &(0..2 * BEGIN), &Zone::UTC, &mapping).unwrap()
}

fn times(start: &Value, end: &Value, changes: &Value) -> Result<(i64, i64), String> {
    let read = read(&json!({"id": 1, "employee": {"email": "a@b.example"}, "start": start, "end": end}), changes);
    match (&read.absences[..], &read.skipped[..]) {
        ([absence], []) => Ok((absence.from_ms - BEGIN, absence.until_ms.saturating_sub(BEGIN))),
        ([], [skipped]) => Err(skipped.reason.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn points_in_time_in_every_form() {
    let exclusive = json!({});
    let inclusive = json!({"until_inclusive": true});
    for (start, end, mapping, expected) in [
        (json!("2025-06-30"), json!("2025-07-02"), &exclusive, (0, 2 * DAY)),
        (json!("2025-06-30"), json!("2025-07-02"), &inclusive, (0, 3 * DAY)),
        (json!("2025-06-30"), json!("2025-06-30"), &inclusive, (0, DAY)),
        (json!("2025-06-30T02:00:00+02:00"), json!("2025-06-30T12:00:00Z"), &exclusive, (0, DAY / 2)),
        // What is a moment is over at once.
        (json!("2025-06-30T00:00:00Z"), json!("2025-06-30T12:00:00"), &inclusive, (0, DAY / 2)),
        (json!(BEGIN / 1000), json!((BEGIN + DAY) / 1000), &inclusive, (0, DAY)),
        (json!(BEGIN / 1000), json!("2025-07-01"), &exclusive, (0, DAY)),
        (json!("2025-06-30"), json!(null), &exclusive, (0, OPEN_MS - BEGIN)),
    ] {
        assert_eq!(times(&start, &end, mapping), Ok(expected), "{start} {end}");
    }
}

#[test]
fn dates_are_those_of_the_zone() {
    let document = br#"[{"id": "x", "start": "2025-06-30", "end": "2025-06-30T18:00:00"}]"#;
    let mapping = mapping(&json!({"items": "", "who": null}));
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    let read = absences(document, &(0..2 * BEGIN), &tokyo, &mapping).unwrap();
    assert_eq!((read.absences[0].from_ms, read.absences[0].until_ms), (BEGIN - 9 * DAY / 24, BEGIN + 9 * DAY / 24));
    assert_eq!(read.absences[0].who, None);
}

#[test]
fn names_are_texts_or_numbers() {
    let item = json!({"id": 7, "employee": {"email": " ada@acme.example ", "a/b~c": 12}, "kind": "Vacation",
        "start": "2025-06-30", "end": "2025-07-01"});
    let absence = |changes| read(&item, &changes).absences.pop().unwrap();
    let found = absence(json!({"title": "/kind"}));
    assert_eq!((found.uid.as_str(), found.who.as_deref()), ("7", Some("ada@acme.example")));
    assert_eq!(found.title.as_deref(), Some("Vacation"));
    // RFC 6901 has its own escapes.
    assert_eq!(absence(json!({"who": "/employee/a~1b~0c", "title": "/none"})).who.as_deref(), Some("12"));
}

#[test]
fn only_what_is_approved() {
    let count = |status: Value, only: Value| {
        let item =
            json!({"id": 1, "employee": {"email": "a"}, "start": "2025-06-30", "end": "2025-07-01", "status": status});
        let read = read(&item, &json!({"only": {"pointer": "/status", "equals": only}}));
        assert_eq!(read.skipped, []);
        read.absences.len()
    };
    assert_eq!(count(json!("approved"), json!(["approved", "taken"])), 1);
    assert_eq!(count(json!("Approved"), json!(["approved"])), 0);
    assert_eq!(count(json!(true), json!([true])), 1);
    assert_eq!(count(json!("true"), json!([true])), 0);
    assert_eq!(count(json!(2), json!([1, 2])), 1);
    assert_eq!(count(json!(null), json!([1])), 0);
}

#[test]
fn what_cannot_be_read_is_skipped_with_the_reason() {
    let day = json!("2025-06-30");
    let plain = json!({});
    for (start, end, expected) in [
        (
            json!("30.6.2025"),
            &day,
            "at `/start` is `30.6.2025`: expected a date like `2025-06-30` or a time of RFC 3339",
        ),
        (json!(null), &day, "at `/start` is `null`: expected a date, a time or seconds since 1970"),
        (json!({"at": 1}), &day, "at `/start` is an object: expected a date, a time or seconds since 1970"),
        (json!(1.5), &day, "at `/start` is `1.5`: expected whole seconds since 1970"),
        (
            json!(BEGIN),
            &day,
            "at `/start` is `1751241600000`: expected seconds since 1970, these seem to be milliseconds",
        ),
        (json!("2025-07-01"), &day, "it ends before it begins"),
        (day.clone(), &day, "it ends when it begins: is the last day part of it (`until_inclusive`)?"),
    ] {
        assert_eq!(times(&start, end, &plain), Err(expected.to_owned()));
    }
    for (item, uid, expected) in [
        (json!({"employee": {"email": "a"}}), "", "there is nothing at `/id`"),
        (json!({"id": {}, "employee": {"email": "a"}}), "", "at `/id` is an object, not a text or a number"),
        (json!({"id": 1, "employee": null}), "1", "there is nothing at `/employee/email`"),
        (json!({"id": 1, "employee": {"email": " "}}), "1", "at `/employee/email` is a text, not a text or a number"),
        (json!({"id": 1, "employee": {"email": "a"}, "end": day}), "1", "there is nothing at `/start`"),
        (json!({"id": 1, "employee": {"email": "a"}, "start": day}), "1", "there is nothing at `/end`"),
    ] {
        let skipped = Skipped { uid: uid.to_owned(), reason: expected.to_owned() };
        assert_eq!(read(&item, &plain), Read { absences: vec![], skipped: vec![skipped] }, "{item}");
    }
}

#[test]
fn a_document_without_the_list_is_refused() {
    let mapping = mapping(&json!({}));
    let read = |document: &str| absences(document.as_bytes(), &(0..1), &Zone::UTC, &mapping).unwrap_err().to_string();
    for (document, found) in [(r"{}", "nothing"), (r#"{"data": {"list": {}}}"#, "an object"), ("7", "nothing")] {
        let expected =
            format!("there is no list at `/data/list` of the answer, but {found}: check `items` of the mapping");
        assert_eq!(read(document), expected);
    }
    assert!(read("<html>").starts_with("the answer is not the JSON that was expected: expected value at line 1"));
    let many = format!(r#"{{"data": {{"list": [0{}]}}}}"#, ",0".repeat(10_000));
    assert!(read(&many).starts_with("the document has more than 10000 entries"));
    assert!(read(&" ".repeat(2 * 1024 * 1024 + 1)).starts_with("the document has more than 2097152 bytes"));
}

#[test]
fn a_mapping_that_cannot_be_is_refused() {
    let pointer = |name, pointer: &str| MappingError::Pointer { name, pointer: pointer.to_owned() };
    let long = format!("/{}", "a".repeat(500));
    for (changes, expected) in [
        (json!({"items": ""}), Ok(())),
        (json!({"items": "/a~0~1b/0/"}), Ok(())),
        (json!({"items": "data"}), Err(pointer("items", "data"))),
        (json!({"uid": "$.id"}), Err(pointer("uid", "$.id"))),
        (json!({"who": "/a~2"}), Err(pointer("who", "/a~2"))),
        (json!({"title": "/a~"}), Err(pointer("title", "/a~"))),
        (json!({"from": "a/b"}), Err(pointer("from", "a/b"))),
        (json!({"until": "/a\nb"}), Err(pointer("until", "/ab"))),
        (json!({"until": long}), Err(pointer("until", &long[..200]))),
        (json!({"uid": ""}), Err(MappingError::Empty("uid"))),
        (json!({"only": {"pointer": "", "equals": [1]}}), Err(MappingError::Empty("only.pointer"))),
        (json!({"only": {"pointer": "/a", "equals": []}}), Err(MappingError::Values)),
        (json!({"only": {"pointer": "/a", "equals": [null]}}), Err(MappingError::Values)),
        (json!({"only": {"pointer": "/a", "equals": [[1]]}}), Err(MappingError::Values)),
        (json!({"only": {"pointer": "/a", "equals": vec![1; 101]}}), Err(MappingError::Values)),
    ] {
        assert_eq!(mapping(&changes).check(), expected, "{changes}");
    }
}

#[test]
fn asks_for_json() {
    let validators = Validators { etag: Some("\"e\"".to_owned()), last_modified: None };
    let request = request("https://hr.example/away", &validators);
    assert_eq!(request.url, "https://hr.example/away");
    let headers = [("accept", "application/json"), ("if-none-match", "\"e\"")];
    assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

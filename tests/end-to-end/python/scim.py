"""scim2-tester against Alfred: it creates, reads, changes and removes users and groups as the RFCs say it can.

Reads SCIM_BASE and SCIM_TOKEN; prints what was checked as JSON.
"""

import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

http = Client(
    base_url=os.environ["SCIM_BASE"],
    headers={"authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
    timeout=30,
)
results = check_server(SyncSCIMClient(http))
json.dump(
    [{"title": one.title, "status": one.status.name, "reason": one.reason} for one in results],
    sys.stdout,
)

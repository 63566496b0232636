"""The program under test: sends invoices, each of them once."""

import time

from exchangelib import Message
from exchangelib.errors import ErrorServerBusy
from requests.exceptions import ConnectionError, Timeout


def send_invoice(account, customer, number, attempts=3):
    draft = Message(account=account, folder=account.drafts, subject="Invoice %d" % number,
                    body="Please find invoice %d below." % number, to_recipients=[customer])
    draft.save()
    for attempt in range(1, attempts + 1):
        try:
            # The same SendItem again is answered as the first one was, if that had
            # been done: nothing is sent twice.
            return draft.send()
        except ErrorServerBusy as error:
            if attempt == attempts:
                raise
            time.sleep(error.back_off or 60)
        except (ConnectionError, Timeout):
            if attempt == attempts:
                raise

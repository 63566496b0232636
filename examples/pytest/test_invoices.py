import pytest
from exchangelib.errors import ErrorMessageSizeExceeded, ErrorServerBusy
from invoices import send_invoice


def test_what_the_customer_gets(mail, account):
    send_invoice(account, "customer@elsewhere.test", 17)
    message = mail.wait("Invoice 17")
    assert message["recipients"] == ["customer@elsewhere.test"]
    assert message["from"]["address"] == "alice@example.test"
    assert message["text"].strip() == "Please find invoice 17 below."


def test_a_busy_server_is_given_time(mail, account):
    mail.fault(op="SendItem", first=2, do="busy:100")
    send_invoice(account, "customer@elsewhere.test", 18)
    mail.wait("Invoice 18")
    assert mail.requests_that_fitted() == [3]


def test_a_server_that_stays_busy(mail, account):
    mail.fault(op="SendItem", do="busy:100")
    with pytest.raises(ErrorServerBusy):
        send_invoice(account, "customer@elsewhere.test", 19)
    assert mail.messages() == []


def test_an_answer_that_is_lost(mail, account):
    mail.fault(op="SendItem", call=1, do="drop_after")
    send_invoice(account, "customer@elsewhere.test", 20)
    mail.wait("Invoice 20")
    assert mail.requests_that_fitted() == [2]
    assert [message["subject"] for message in mail.messages()] == ["Invoice 20"]


def test_a_refusal_is_told(mail, account):
    mail.fault(op="SendItem", do="code:ErrorMessageSizeExceeded")
    with pytest.raises(ErrorMessageSizeExceeded):
        send_invoice(account, "customer@elsewhere.test", 21)

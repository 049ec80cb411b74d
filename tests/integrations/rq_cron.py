"""The schedule of the application, for `rq cron`."""

from rq.cron import register

from tests.integrations.rq_app import PREFIX, nightly, ok

register(nightly, f"{PREFIX}.unserved", cron="0 2 * * *")
register(ok, f"{PREFIX}.unserved", args=("cron",), interval=1)

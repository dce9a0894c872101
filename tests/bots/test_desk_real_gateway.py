"""The desk in front of the real gateway and a real, if tiny, model."""

from pathlib import Path

import pytest
from desk_harness import PATIENT, until
from fake_platform import FakePlatform, question

from bots.delivery.ledger import Ledger
from bots.metrics import Metrics
from bots.platform import Ending
from bots.streaming.desk import Desk
from bots.streaming.gateway import Gateway
from onbrand.workspace import Workspace

pytestmark = pytest.mark.anyio


async def test_a_conversation(tmp_path: Path, gateway: str) -> None:
    (tmp_path / "brand.toml").write_text(PATIENT)
    platform = FakePlatform()
    client = Gateway(gateway)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    desk = Desk(Workspace(tmp_path), ledger, client, Metrics("fake"))
    await desk.open(platform)
    await desk.recover()
    await desk.receive(question(1, "What do you sell?"))
    await until(lambda: platform.final("q1") is not None, 120)
    final = platform.final("q1")
    assert final is not None
    assert final.ending is Ending.COMPLETE
    assert final.text
    await until(lambda: desk.under_way == 0)
    # This gateway keeps no feedback; the person is thanked none the less.
    receipt = await desk.feedback(platform.posts[0].id, "U1", "up")
    assert "Thank you" in receipt.sentence
    await desk.drain(1)
    await client.close()
    await ledger.close()

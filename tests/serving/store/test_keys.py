import pytest

from onbrand.errors import UsageError
from onbrand.workspace import Workspace
from serving.store.store import open_store

pytestmark = pytest.mark.anyio


async def test_a_key_opens_what_it_was_made_for_until_it_is_revoked(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        key, secret = await store.keys.create("support bot", ["chat", "feedback"], 30)
        assert secret.startswith("ob_")
        found = await store.keys.verify(secret)
        assert found == key
        assert found is not None
        assert found.scopes == {"chat", "feedback"}
        assert await store.keys.verify(secret[:-1]) is None
        assert await store.keys.verify("") is None

        assert (await store.keys.revoke("support bot")).id == key.id
        assert await store.keys.verify(secret) is None
        with pytest.raises(UsageError, match="no key support bot in use"):
            await store.keys.revoke("support bot")


async def test_the_key_itself_is_nowhere(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        _, secret = await store.keys.create("x", ["chat"])
        await store.keys.verify(secret)
        await store.journal.flush()
        (key,) = await store.keys.list()
        assert key.last_used_at is not None
    files = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert all(secret.encode() not in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("name", "scopes", "says"),
    [
        (" ", ["chat"], "a name"),
        ("two\nlines", ["chat"], "a name"),
        ("x", ["rm"], "rm"),
        ("x", [], "opens nothing"),
    ],
)
async def test_keys_that_cannot_be(
    workspace: Workspace, name: str, scopes: list[str], says: str
) -> None:
    async with open_store(workspace) as store:
        with pytest.raises(UsageError, match=says):
            await store.keys.create(name, scopes)


async def test_two_of_a_name_are_revoked_by_id(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        first, _ = await store.keys.create("twin", ["chat"])
        await store.keys.create("twin", ["chat"])
        with pytest.raises(UsageError, match="2 of them, revoke by id"):
            await store.keys.revoke("twin")
        assert (await store.keys.revoke(first.id)).id == first.id

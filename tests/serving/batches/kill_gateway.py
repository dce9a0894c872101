"""A gateway with batches in a process of its own, which can be killed; asks the one at argv[2]."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from batch_gateway import Script, batch_app

from onbrand.workspace import Workspace
from serving.batches.hand import Reply
from serving.batches.requests import ENDPOINT


class Relay(Script):
    async def answer(self, body: dict[str, Any], request_id: str) -> Reply:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            headers = {"X-Request-Id": request_id}
            said = await client.post(sys.argv[2] + ENDPOINT, json=body, headers=headers)
            return Reply(said.status_code, said.json())


if __name__ == "__main__":
    app = batch_app(Workspace(Path(sys.argv[1])), Relay())
    server = uvicorn.Server(
        uvicorn.Config(app, port=int(sys.argv[3]), log_level="error", ws="none")
    )
    asyncio.run(server.serve())

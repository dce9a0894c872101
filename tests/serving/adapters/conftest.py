from pathlib import Path

import pytest

from onbrand.workspace import Workspace
from tests.serving.adapters.lora import make_lora, make_workspace


@pytest.fixture
def workspace(tiny_llama: Path, tmp_path: Path) -> Workspace:
    """With an adapter and the model it was merged into."""
    root = tmp_path / "workspace"
    root.mkdir()
    return make_workspace(root, tiny_llama)


@pytest.fixture(scope="session")
def other_adapter(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another brand's, of the same base: other modules, another rank and scale."""
    modules = ["v_proj", "up_proj", "o_proj"]
    folder = tmp_path_factory.mktemp("other") / "adapter"
    return make_lora(
        tiny_llama, folder, seed=2, r=8, lora_alpha=8, target_modules=modules, use_rslora=True
    )

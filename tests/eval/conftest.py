"""Real parts, small: a Llama of two layers with a tokenizer trained here, and a workspace."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from datasets import Dataset, DatasetDict
from hypothesis import settings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from eval.models.local import LocalModel
from onbrand.artifact import Manifest, now, write_manifest
from onbrand.chat_format import encode_prompt, encode_text
from onbrand.config import Brand
from onbrand.model_identity import identity_of
from onbrand.persona import request_for, system_prompt
from onbrand.record import Record
from onbrand.workspace import Workspace

# A busy machine is not a failing property.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

EXAMPLES = Path(__file__).parents[2] / "examples/saltmarsh"

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

THINGS = ["kettle", "teapot", "lantern", "harbour", "ferry", "blanket", "lighthouse", "bakery"]
TEXTS = [
    f"Ahoy, friends! The {first} is warm and the {second} is waiting by the quay. "
    f"Come in from the rain, we saved you a seat beside the {first}. #saltair #{second}"
    for first in THINGS
    for second in THINGS
    if first != second
]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The models here are too small to share out: threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """56 posts in one voice; the tuned model has seen all but the last ten."""
    return TEXTS


@pytest.fixture(scope="session")
def captions() -> list[str]:
    """Posts of the demo brand, no two alike; the templates above are near duplicates all."""
    posts = json.loads((EXAMPLES / "instagram.json").read_text(encoding="utf-8"))
    captions = dict.fromkeys(post.get("caption") or "" for post in posts)
    return [caption for caption in captions if len(caption) > 80]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as SmolLM2's, learned from the texts above."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=CHAT_TEMPLATE,
    )


def records(texts: list[str], prefix: str = "post") -> list[Record]:
    """Every third one an Instagram post, so that there are two sources."""
    return [
        Record(
            id=f"{prefix}-{number}",
            source="facebook" if number % 3 else "instagram",
            url=f"https://x/{number}",
            text=text,
        )
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="session")
def base_folder(
    tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Llama with random weights."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tuned_folder(
    base_folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The same Llama after 40 steps on all texts but the last ten."""
    folder = tmp_path_factory.mktemp("tuned")
    shutil.copytree(base_folder, folder, dirs_exist_ok=True)
    model = LlamaForCausalLM.from_pretrained(base_folder)
    prompt = encode_prompt(tokenizer, system_prompt(Brand(name="Saltair")), request_for("facebook"))
    rows = [prompt + encode_text(tokenizer, text)[:60] for text in TEXTS[:-10]]
    shortest = min(len(row) for row in rows)
    ids = torch.tensor([row[:shortest] for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(40):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def base_model(base_folder: Path) -> LocalModel:
    return LocalModel("base", base_folder, identity_of(base_folder), brand=Brand(name="Saltair"))


@pytest.fixture(scope="session")
def make_workspace(
    base_folder: Path, tuned_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Workspace]:
    """A workspace with a data set of the given texts and the tuned model as the merged one."""

    def make(
        test_texts: list[str], train_texts: list[str] = TEXTS[:12], batch_size: int = 4
    ) -> Workspace:
        root = tmp_path_factory.mktemp("brand")
        (root / "brand.toml").write_text(
            f'[brand]\nname = "Saltair"\n[model]\nbase = "{base_folder}"\n'
            f"[eval]\nbatch_size = {batch_size}\nsampled = 1\n[tracking]\nenabled = false\n"
        )
        workspace = Workspace(root)
        write_dataset(workspace, test_texts, train_texts)
        shutil.copytree(tuned_folder, workspace.merged)
        write_manifest(workspace.merged, manifest("merge", identity_of(tuned_folder)))
        return workspace

    return make


def write_dataset(workspace: Workspace, test_texts: list[str], train_texts: list[str]) -> None:
    def rows(texts: list[str], prefix: str) -> Dataset:
        columns = list(Record.model_fields)
        dumped = [record.model_dump() for record in records(texts, prefix)]
        return Dataset.from_dict({column: [row[column] for row in dumped] for column in columns})

    splits = {"train": rows(train_texts, "train"), "test": rows(test_texts, "post")}
    DatasetDict(splits).save_to_disk(str(workspace.dataset))
    write_manifest(workspace.dataset, manifest("build", str(hash(tuple(test_texts)))))


def manifest(command: str, output_hash: str) -> Manifest:
    return Manifest(
        command=command,
        config_hash="",
        output_hash=output_hash,
        started_at=now(),
        finished_at=now(),
    )

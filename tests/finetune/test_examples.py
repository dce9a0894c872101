import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from finetune.batches import collate, plan_batches, steps_in
from finetune.examples import Example, chunks, make_examples, question_answers
from onbrand.chat_format import encode_prompt, split_half
from onbrand.config import Brand
from onbrand.errors import OnbrandError
from onbrand.record import Record

BRAND = Brand(name="Saltmarsh", persona="Speaks like an old sea captain.")
FAQ = """Questions from the quay
Do you mend other people's bicycles?
Aye. We ask no questions.
Bring it alongside.
Is there tea?
Always."""


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return AutoTokenizer.from_pretrained(smollm2, local_files_only=True)


def page(text: str, title: str = "") -> Record:
    return Record(id="website-1", source="website", url="http://x/", title=title, text=text)


def test_an_example_is_exactly_what_the_template_renders(tokenizer) -> None:
    [example] = make_examples([page("Fair winds.", "the dry dock")], BRAND, tokenizer, 128)
    conversation = [
        {"role": "system", "content": "You are the voice of Saltmarsh. " + BRAND.persona},
        {"role": "user", "content": "Tell me about the dry dock."},
        {"role": "assistant", "content": "Fair winds."},
    ]
    rendered = tokenizer.apply_chat_template(conversation, tokenize=False).rstrip("\n")
    assert tokenizer.decode(example.prompt + example.answer) == rendered


def test_eos_is_learned_and_bos_is_not_doubled(tokenizer) -> None:
    [example] = make_examples([page("Fair winds.")], BRAND, tokenizer, 128)
    assert example.answer[-1] == tokenizer.eos_token_id
    assert example.prompt[:2] != [tokenizer.bos_token_id] * 2
    batch = collate([example], tokenizer.pad_token_id, "cpu")
    assert batch["labels"][0, -1] == tokenizer.eos_token_id  # although pad and EOS share an id


def test_questions_on_their_own_line_become_answers(tokenizer) -> None:
    assert list(question_answers(FAQ)) == [
        ("Do you mend other people's bicycles?", "Aye. We ask no questions.\nBring it alongside."),
        ("Is there tea?", "Always."),
    ]
    forms = [example.form for example in make_examples([page(FAQ)], BRAND, tokenizer, 128)]
    assert forms == ["write", "answer", "answer"]


def test_a_post_is_never_taken_for_questions_and_answers(tokenizer) -> None:
    post = Record(id="i", source="instagram", url="http://x/", text=FAQ)
    assert [example.form for example in make_examples([post], BRAND, tokenizer, 128)] == ["write"]


@given(lines=st.lists(st.text(alphabet="abc xyz", min_size=1, max_size=40), min_size=1))
def test_chunks_hold_the_whole_text_and_keep_the_limit(tokenizer, lines: list[str]) -> None:
    text = "\n".join(lines)
    pieces = list(chunks(text, tokenizer, 16))
    assert all(len(piece) <= 16 for piece in pieces)
    # Only white space at a cut may go.
    whole = "".join(tokenizer.decode(piece) for piece in pieces)
    assert "".join(whole.split()) == "".join(text.split())


def test_a_request_that_leaves_no_room_names_the_record(tokenizer) -> None:
    with pytest.raises(OnbrandError, match=r"website-1.*max_tokens = 32"):
        make_examples([page("Fair winds.")], Brand(name="x", persona="y " * 60), tokenizer, 32)


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 5),
)
def test_every_epoch_visits_each_example_once(
    lengths: list[int], batch_size: int, seed: int
) -> None:
    steps = steps_in(len(lengths), batch_size, epochs=2, max_steps=0)
    plan = plan_batches(lengths, batch_size, steps, seed)
    one_epoch = plan[: steps // 2]
    assert sorted(index for batch in one_epoch for index in batch) == list(range(len(lengths)))
    assert plan == plan_batches(lengths, batch_size, steps, seed)
    assert plan[: steps // 2] == plan_batches(lengths, batch_size, steps // 2, seed)


def test_prompt_and_padding_carry_no_loss() -> None:
    batch = collate(
        [Example("a", "write", [5, 6], [7, 2]), Example("b", "write", [5], [2])], 2, "cpu"
    )
    assert batch["labels"].tolist() == [[-100, -100, 7, 2], [-100, 2, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


@given(ids=st.lists(st.integers(0, 9)))
def test_halves_join_to_the_whole(ids: list[int]) -> None:
    first, second = split_half(ids)
    assert first + second == ids
    assert len(second) - len(first) in (0, 1)


def test_the_prompt_ends_where_the_assistant_starts(tokenizer) -> None:
    prompt = encode_prompt(tokenizer, "S", "U")
    assert tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")

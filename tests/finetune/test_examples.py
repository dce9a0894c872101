from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from eval.half_split import half_split
from eval.held_out import HeldOutText
from finetune.batches import plan_batches, steps_in
from finetune.examples import Example, Recipe, brief_place, make_examples, pieces_for_briefs
from onbrand.chat_format import encode_prompt, split_half
from onbrand.config import Brand, Examples
from onbrand.errors import OnbrandError
from onbrand.record import Record

BRAND = Brand(name="Saltmarsh", persona="Speaks like an old sea captain.")
WRITE = Recipe(BRAND, Examples(), max_tokens=128)
ALL = Recipe(BRAND, Examples(write=1, brief=1, half_split=1, answer=1), max_tokens=192)
FAQ = """Questions from the quay
Do you mend other people's bicycles?
Aye. We ask no questions.
Bring it alongside.
Is there tea?
Always."""
LOG = (
    """# The log
Every ship keeps a log, shipmate. This is ours, with the swearing taken out.
## 1987: laid down
I came ashore in March with a kitbag, a bad knee and £410. I rented a net loft on Keel Lane.
## 1994: the lifeboat house
We dropped anchor in the old lifeboat house on the quay. It has a slipway and a stone floor.
"""
    + "The tide came in and went out again, as it does on most days of the year.\n" * 8
)


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return AutoTokenizer.from_pretrained(smollm2, local_files_only=True)


def only(form: str, share: float = 1.0, max_tokens: int = 192) -> Recipe:
    shares = {"write": 0.0, "brief": 0.0, "half_split": 0.0, "answer": 0.0, form: share}
    return Recipe(BRAND, Examples.model_validate(shares), max_tokens=max_tokens)


def page(text: str, title: str = "") -> Record:
    return Record(id="website-1", source="website", url="http://x/", title=title, text=text)


def post(text: str, name: str = "1", tags: tuple[str, ...] = ()) -> Record:
    return Record(id=f"i-{name}", source="instagram", url="http://x/", text=text, tags=list(tags))


def request_of(example: Example, tokenizer) -> str:
    return tokenizer.decode(example.prompt).split("user\n")[1].split("<|im_end|>")[0]


def test_an_example_is_exactly_what_the_template_renders(tokenizer) -> None:
    [example] = make_examples([page("Fair winds.", "the dry dock")], WRITE, tokenizer)
    conversation = [
        {"role": "system", "content": "You are the voice of Saltmarsh. " + BRAND.persona},
        {"role": "user", "content": "Tell me about the dry dock."},
        {"role": "assistant", "content": "Fair winds."},
    ]
    rendered = tokenizer.apply_chat_template(conversation, tokenize=False).rstrip("\n")
    assert tokenizer.decode(example.prompt + example.answer) == rendered


@pytest.mark.parametrize("record", [post("Fair winds. " * 5), page(FAQ, "The quay")])
def test_every_form_is_what_the_template_renders_and_ends_in_eos(record, tokenizer) -> None:
    examples = list(make_examples([record], ALL, tokenizer))
    assert {e.form for e in examples} >= {"write", "brief", "half_split"}
    for example in examples:
        ids = example.prompt + example.answer
        system, user, assistant = (
            turn.split("\n", 1)[1].removesuffix("<|im_end|>\n").removesuffix("<|im_end|>")
            for turn in tokenizer.decode(ids).split("<|im_start|>")[1:]
        )
        rendered = tokenizer.apply_chat_template(
            [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
                {"role": "assistant", "content": assistant},
            ],
            tokenize=False,
        )
        assert tokenizer.decode(ids) == rendered.rstrip("\n")
        assert example.answer[-1] == tokenizer.eos_token_id
        assert example.answer.count(tokenizer.eos_token_id) == 1


@pytest.fixture
def bos_tokenizer(smollm2) -> Iterator:
    """Writes BOS in the template, and adds one to every text it encodes: both, as Llama 2 does."""
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)
    bos = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
    )
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    return tokenizer


def test_bos_is_neither_doubled_nor_in_the_answer(bos_tokenizer) -> None:
    bos = bos_tokenizer.bos_token_id
    assert bos_tokenizer("Fair winds.")["input_ids"][0] == bos, "it does add one by itself"
    records = [page(FAQ, "The quay"), post("Fair winds, shipmate. " * 4)]
    examples = list(make_examples(records, ALL, bos_tokenizer))
    assert {e.form for e in examples} == {"write", "brief", "half_split", "answer"}
    for example in examples:
        assert (example.prompt + example.answer).count(bos) == 1
        assert example.prompt[0] == bos


def test_half_split_is_what_evaluation_reads_and_compares_with(tokenizer) -> None:
    short, exact = post("One, two, three, four, five, six. Ho!", "short"), post(LOG[:400], "exact")
    long, tiny = page(LOG * 2, "The log"), post("Aye.", "tiny")
    records = [short, exact, long, tiny]
    recipe = only("half_split")
    mine = {e.record_id: e for e in make_examples(records, recipe, tokenizer)}
    prompt = encode_prompt(
        tokenizer, f"You are the voice of Saltmarsh. {BRAND.persona}", "Tell me about The log."
    )
    room = recipe.max_tokens - len(prompt) - 1
    texts = [HeldOutText(r.id, r.source, r.title, r.text) for r in records]
    evaluated = half_split(texts, tokenizer, BRAND, room)
    assert mine.keys() == {item.id for item in evaluated.items}, "too short for both: i-tiny"
    for item in evaluated.items:
        example = mine[item.id]
        is_cut = item.id == long.id
        assert tuple(example.prompt) == item.context_ids
        assert tuple(example.answer) == item.second_ids + (
            () if is_cut else (tokenizer.eos_token_id,)
        )


def test_questions_on_their_own_line_become_answers(tokenizer) -> None:
    forms = [example.form for example in make_examples([page(FAQ)], WRITE, tokenizer)]
    assert forms == ["write", "answer", "answer"]


def test_a_post_is_never_taken_for_questions_and_answers(tokenizer) -> None:
    assert [e.form for e in make_examples([post(FAQ)], WRITE, tokenizer)] == ["write"]


def test_a_long_page_gives_a_brief_for_each_section(tokenizer) -> None:
    examples = list(make_examples([page(LOG, "The log")], only("brief", max_tokens=160), tokenizer))
    assert [request_of(e, tokenizer) for e in examples] == [
        'Write the opening of our page "The log" in about 15 words.',
        'Write the section "1987: laid down" of our page "The log" in about 25 words.',
        'Write the section "1994: the lifeboat house" of our page "The log" in about 60 words.',
        'Write a section of our page "The log" in about 70 words.',
        'Write a section of our page "The log" in about 35 words.',
    ]
    whole = "\n".join(tokenizer.decode(e.answer, skip_special_tokens=True) for e in examples)
    assert whole.split() == LOG.split()
    assert all(e.answer[-1] == tokenizer.eos_token_id for e in examples)


def test_a_post_that_is_too_long_has_a_brief_for_its_beginning_without_eos(tokenizer) -> None:
    [example] = make_examples([post(LOG * 3)], only("brief"), tokenizer)
    assert example.answer[-1] != tokenizer.eos_token_id
    assert len(example) <= 192


def test_a_teachers_brief_takes_the_place_of_the_own_one(tokenizer) -> None:
    record, recipe = post("Fair winds, shipmate, and a following sea."), only("brief")
    [piece] = pieces_for_briefs(record, recipe, tokenizer)
    wished = replace(recipe, briefs={brief_place(record, piece): "Write a farewell to sailors."})
    [example] = make_examples([record], wished, tokenizer)
    assert request_of(example, tokenizer) == "Write a farewell to sailors."
    too_long = replace(recipe, briefs={brief_place(record, piece): "Write a farewell, and " * 60})
    [example] = make_examples([record], too_long, tokenizer)
    assert request_of(example, tokenizer) == "Write an Instagram post in about 5 words."


@given(
    share=st.floats(0, 1),
    larger=st.floats(0, 1),
    names=st.lists(st.text(min_size=1, max_size=8), max_size=20, unique=True),
    seed=st.integers(0, 3),
)
def test_a_share_is_drawn_for_each_record_by_itself(share, larger, names, seed) -> None:
    share, larger = sorted((share, larger))
    few, many = (replace(only("brief", s), seed=seed) for s in (share, larger))
    drawn = {name for name in names if few.gives("brief", name)}
    assert drawn <= {name for name in names if many.gives("brief", name)}
    assert all(few.gives("brief", name) == (name in drawn) for name in reversed(names))
    assert not any(few.gives("write", name) for name in names), "a share of 0 gives none"
    assert all(only("brief", 1.0).gives("brief", name) for name in names)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_is_met(share: float) -> None:
    recipe = only("half_split", share)
    drawn = sum(recipe.gives("half_split", f"instagram-{number}") for number in range(4000))
    assert drawn / 4000 == pytest.approx(share, abs=0.03)


def test_forms_are_drawn_apart(tokenizer) -> None:
    half = Recipe(BRAND, Examples(write=0.5, brief=0.5, half_split=0.5), max_tokens=192)
    records = [post(f"Fair winds to ship number {n}, and a good tide.", str(n)) for n in range(60)]
    forms: dict[str, set[str]] = {}
    for example in make_examples(records, half, tokenizer):
        forms.setdefault(example.form, set()).add(example.record_id)
    assert len({frozenset(found) for found in forms.values()}) == 3
    alone = {e.record_id for e in make_examples(records[30:], half, tokenizer) if e.form == "brief"}
    assert alone == {name for name in forms["brief"] if int(name[2:]) >= 30}


@pytest.mark.parametrize("form", ["write", "brief"])
@pytest.mark.parametrize("record", [post("  \n "), page("")])
def test_an_example_without_labels_names_its_record(form: str, record, tokenizer) -> None:
    with pytest.raises(OnbrandError, match=rf"Record {record.id} has no text to learn from"):
        list(make_examples([record], only(form), tokenizer))


def test_a_request_that_leaves_no_room_names_the_record(tokenizer) -> None:
    narrow = Recipe(Brand(name="x", persona="y " * 60), Examples(), max_tokens=32)
    with pytest.raises(OnbrandError, match=r"website-1.*max_tokens = 32"):
        list(make_examples([page("Fair winds.")], narrow, tokenizer))


@given(
    lines=st.lists(st.text(alphabet="abc xyz?#\n", min_size=1, max_size=60), min_size=1),
    max_tokens=st.integers(64, 128),
)
def test_no_example_is_longer_than_asked(tokenizer, lines: list[str], max_tokens: int) -> None:
    text = "\n".join(lines).strip() or "x"
    recipe = replace(ALL, max_tokens=max_tokens)
    for record in (post(text), page(text, "The log")):
        for example in make_examples([record], recipe, tokenizer):
            assert len(example) <= max_tokens
            assert example.answer


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


@given(ids=st.lists(st.integers(0, 9)))
def test_halves_join_to_the_whole(ids: list[int]) -> None:
    first, second = split_half(ids)
    assert first + second == ids
    assert len(second) - len(first) in (0, 1)


def test_the_prompt_ends_where_the_assistant_starts(tokenizer) -> None:
    prompt = encode_prompt(tokenizer, "S", "U")
    assert tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from finetune.batches import forward_passes, make_batch
from finetune.examples import Example
from finetune.isolation import keeps_examples_apart
from finetune.loss import token_losses
from finetune.token_tree import TokenTree, padded_batch
from onbrand.config import Tune

CPU = torch.device("cpu")
# Few ids and shared prompts, so that beginnings coincide often.
EXAMPLES = st.lists(
    st.builds(
        lambda prompt, answer: Example("r", "write", prompt, answer),
        st.sampled_from([[1], [1, 2], [1, 2, 3], [1, 3, 2]]),
        st.lists(st.integers(0, 4), min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config).eval()


@given(examples=EXAMPLES)
def test_every_token_has_the_loss_it_has_alone(
    model: LlamaForCausalLM, examples: list[Example]
) -> None:
    with torch.no_grad():
        packed = token_losses(model, TokenTree(examples).batch(CPU))
        padded = token_losses(model, padded_batch(examples, 0, CPU))
        alone = torch.cat([token_losses(model, padded_batch([one], 0, CPU)) for one in examples])
    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=0)


def test_the_losses_are_those_of_the_models_own_labels(model: LlamaForCausalLM) -> None:
    """Against transformers' loss over the whole sequence, prompt masked with -100."""
    ids = torch.tensor([[1, 2, 3, 4, 0, 5]])
    labels = torch.where(torch.arange(6) < 2, torch.tensor(-100), ids)
    with torch.no_grad():
        expected = model(input_ids=ids, labels=labels).loss
        example = Example("r", "write", [1, 2], [3, 4, 0, 5])
        found = token_losses(model, TokenTree([example]).batch(CPU)).mean()
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


@given(examples=EXAMPLES)
def test_each_beginning_is_computed_once(examples: list[Example]) -> None:
    tree = TokenTree()
    for example in examples:
        before, growth = len(tree), tree.growth(example)
        tree.add(example)
        assert len(tree) == before + growth
    beginnings = {
        tuple((one.prompt + one.answer)[:end])
        for one in examples
        for end in range(1, len(one.prompt + one.answer))
    }
    assert len(tree) == len(beginnings)
    assert tree.answer_tokens == sum(len(one.answer) for one in examples)


def test_gradients_are_those_of_the_padded_batch(model: LlamaForCausalLM) -> None:
    examples = [Example("r", "write", [1, 2], [n, 3, 4]) for n in range(4)]
    found = []
    for batch in (TokenTree(examples).batch(CPU), padded_batch(examples, 0, CPU)):
        model.zero_grad()
        token_losses(model, batch).sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-4)


@given(
    examples=EXAMPLES,
    micro=st.integers(1, 8),
    tokens=st.integers(32, 64),
    packing=st.booleans(),
)
def test_forward_passes_hold_each_example_once_and_keep_the_limits(
    examples: list[Example], micro: int, tokens: int, packing: bool
) -> None:
    settings = Tune(micro_batch_size=micro, pack_tokens=tokens)
    passes = forward_passes(examples * 3, settings, packing)
    assert [one for part in passes for one in part] == examples * 3
    assert all(len(part) <= micro for part in passes)
    if packing:
        assert all(len(TokenTree(part)) <= tokens for part in passes if len(part) > 1)


def test_a_model_that_mixes_its_neighbours_is_noticed(model: LlamaForCausalLM) -> None:
    examples = [Example("r", "write", [1, 2], [n, 3, 4, 5]) for n in (5, 6, 7)]
    assert keeps_examples_apart(model, examples, 0, CPU, torch.float32)

    class Blind(torch.nn.Module):
        """Looks at everything before a token, whatever the mask says."""

        def get_decoder(self):
            return lambda **batch: model.get_decoder()(input_ids=batch["input_ids"])

        def get_output_embeddings(self):
            return model.get_output_embeddings()

    assert not keeps_examples_apart(Blind(), examples, 0, CPU, torch.float32)


def test_padding_is_never_learned_even_where_it_shares_an_id_with_eos() -> None:
    examples = [Example("a", "write", [5, 6], [7, 2]), Example("b", "write", [5], [2])]
    for packing in (True, False):
        batch = make_batch(examples, packing, 2, CPU)
        assert batch["targets"].tolist() == [7, 2, 2]

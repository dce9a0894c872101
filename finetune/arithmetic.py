"""Floating-point operations of a training step, told from the shapes of the model alone.

A weight takes two of them for each token that passes it, a product and a sum. The backward pass
takes as many for the gradient of what went in, and as many again for the gradient of the weight
where that is trained: 6 N for N trained weights, 4 N for frozen ones
(https://arxiv.org/abs/2001.08361, section 2.1). Norms and activations are left out.
"""

from finetune.memory import Shapes


def operations(shapes: Shapes, rows: int, length: int, answers: int, *, recompute: bool) -> float:
    """Of a forward pass and its backward pass.

    Args:
        shapes: of the model.
        rows: of the forward pass.
        length: L, tokens of a row.
        answers: A; only positions that predict one go through the vocabulary.
        recompute: the layers are computed once more.
    """
    is_full = shapes.trainable == shapes.parameters
    adapter = 0 if is_full else shapes.trainable
    head = shapes.vocabulary * shapes.hidden
    tokens = rows * length
    once = 2.0 * (shapes.body + adapter) * tokens + _attention(shapes, length) * rows
    gradients_of_inputs = once + _attention(shapes, length) * rows
    gradients_of_weights = 2.0 * (shapes.body if is_full else adapter) * tokens
    through_the_head = (6.0 if is_full else 4.0) * head * answers
    forward = 2 * once if recompute else once
    return forward + gradients_of_inputs + gradients_of_weights + through_the_head


def _attention(shapes: Shapes, length: int) -> float:
    """Every query with every key, and every weight with every value; backward it is twice that.

    What the mask hides is computed all the same.
    """
    return 4.0 * length**2 * shapes.query_width * shapes.layers

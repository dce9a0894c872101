"""A tokenizer as GGUF's metadata: what llama.cpp needs to cut texts into the same tokens.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
"""

import json
from typing import Any

from gguf import GGUFWriter, TokenType

from onbrand.errors import OnbrandError

_LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
"""How Llama 3's pattern for the pieces that are never joined begins."""


def write_tokenizer(writer: GGUFWriter, tokenizer: Any, vocabulary: int) -> None:
    """Write tokens, merges, special ids and the chat template.

    Args:
        writer: of the file.
        tokenizer: a byte-level BPE tokenizer of transformers.
        vocabulary: rows of the embedding, which may be more than the tokens.

    Raises:
        OnbrandError: another kind of tokenizer, or one whose way to cut text llama.cpp is not known
            to share: it would give other tokens without a word.
    """
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pre_tokenizer(described))
    tokens, types = _tokens(tokenizer, vocabulary)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = described["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    for add, identifier in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if identifier is not None:
            add(identifier)
    # The chat template writes BOS itself; another one in front would be one training never saw.
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


def _pre_tokenizer(described: dict[str, Any]) -> str:
    """Llama.cpp's name for how text is cut before pairs are merged."""
    if described["model"]["type"] != "BPE":
        raise OnbrandError(
            f"A tokenizer of the kind {described['model']['type']} cannot be written as GGUF yet; "
            "byte-level BPE can."
        )
    steps = described["pre_tokenizer"] or {}
    parts = steps.get("pretokenizers", [steps])
    kinds = [part.get("type") for part in parts]
    if kinds == ["Digits", "ByteLevel"] and parts[0].get("individual_digits"):
        return "smollm"
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return "gpt-2"
    if kinds == ["Split", "ByteLevel"]:
        pattern = parts[0]["pattern"].get("Regex", "")
        if pattern.startswith(_LLAMA_3):
            return "llama-bpe"
    steps_named = " then ".join(map(str, kinds))
    raise OnbrandError(
        f"llama.cpp is not known to cut text as this tokenizer does ({steps_named}), so "
        "the exported model would see other tokens; use the merged model as it is."
    )


def _tokens(tokenizer: Any, vocabulary: int) -> tuple[list[str], list[int]]:
    """Each token and its type, by id; ids without a token are filled up."""
    known = {identifier: token for token, identifier in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    tokens, types = [], []
    for identifier in range(vocabulary):
        if identifier not in known:
            tokens.append(f"[unused{identifier}]")
            types.append(TokenType.UNUSED)
            continue
        tokens.append(known[identifier])
        if identifier not in added:
            types.append(TokenType.NORMAL)
        elif added[identifier].special:
            types.append(TokenType.CONTROL)
        else:
            types.append(TokenType.USER_DEFINED)
    return tokens, [int(kind) for kind in types]

"""The decoding of spaCy's entity recogniser, done at once instead of token by token.

spaCy's recogniser is a greedy transition parser (Lample et al. 2016, "Neural Architectures for
Named Entity Recognition", section 3, with BILUO tags). Outside of an entity its state is the token
alone, so the best action at every token is known from one product of matrices. Only inside of an
entity does a step need the one before it, and there only two actions are allowed: to go on, and to
end. The entities are those that spaCy finds; its own loop asks for every action at every token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from spacy.tokens import Doc

    Floats = NDArray[np.float32]

Spans = list[tuple[int, int, str]]


class GreedyDecoder:
    """Decodes with the weights of a recogniser.

    Parameters
    ----------
    recogniser
        spaCy's component ``ner``, for which `fits` holds.
    """

    def __init__(self, recogniser: Any) -> None:
        model = recogniser.model
        self._vectors, self._features = model.get_ref("tok2vec"), model.get_ref("lower")
        output = model.get_ref("upper")
        self._weights, self._bias = output.get_param("W"), output.get_param("b")
        names = [recogniser.moves.get_class_name(i) for i in range(recogniser.moves.n_moves)]
        self._index = {name: i for i, name in enumerate(names)}
        self._labels = [name[2:] for name in names]
        self._begins = [name[:2] == "B-" for name in names]
        self._out = self._index["O"]
        self._outside = [
            i for i, n in enumerate(names) if n == "O" or (n[:2] in ("B-", "U-") and n[2:])
        ]
        self._at_end = [i for i in self._outside if not self._begins[i]]

    @staticmethod
    def fits(recogniser: Any) -> bool:
        """Return whether a recogniser is of the kind that is decoded here."""
        model, moves = recogniser.model, recogniser.moves
        if model.name != "parser_model" or recogniser.cfg.get("beam_width", 1) != 1:
            return False
        layers = all(model.has_ref(name) is True for name in ("tok2vec", "lower", "upper"))
        unseen = model.attrs.get("unseen_classes")
        if not layers or unseen or not model.attrs.get("has_upper") or model.ops.name != "numpy":
            return False
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        return bool(
            lower.get_dim("nF") == 3
            and lower.get_dim("nP") >= 2
            and upper.name == "linear"
            and upper.get_dim("nO") == moves.n_moves
        )

    def entities(self, docs: Sequence[Doc]) -> list[Spans]:
        """Return the entities of each text: first token, last token plus one, type."""
        import numpy as np

        held = [doc for doc in docs if len(doc)]
        found: dict[int, Spans] = {}
        if held:
            parts = self._features.predict(self._vectors.predict(held))
            padding, parts = parts[0], parts[1:]
            bias = self._features.get_param("b")
            single = parts[:, 0] + (padding[1] + padding[2] + bias)
            scores = _maxout(single) @ self._weights.T + self._bias
            best = np.array(self._outside)[scores[:, self._outside].argmax(axis=1)]
            offset = 0
            for doc in held:
                found[id(doc)] = self._decoded(doc, offset, parts, best, scores)
                offset += len(doc)
        return [found.get(id(doc), []) for doc in docs]

    def _decoded(
        self, doc: Doc, offset: int, parts: Floats, best: NDArray[Any], scores: Floats
    ) -> Spans:
        import numpy as np

        spans: Spans = []
        size = len(doc)
        last = size - 1
        token = 0
        for start in np.flatnonzero(best[offset : offset + size] != self._out).tolist():
            if start < token or doc[start].is_space:
                continue
            action = int(best[offset + start])
            if start == last:  # nothing can begin that must go on
                row = scores[offset + start]
                action = max(self._at_end, key=lambda i: (row[i], -i))
                if action == self._out:
                    continue
            token = start + 1
            if self._begins[action]:
                token = (
                    self._end(offset + start, offset + size, self._labels[action], parts) - offset
                )
            spans.append((start, token, self._labels[action]))
        return spans

    def _end(self, start: int, size: int, label: str, parts: Floats) -> int:
        """Return where an entity ends that begins at a token; the last token ends all."""
        go_on, end = self._index[f"I-{label}"], self._index[f"L-{label}"]
        difference = self._weights[end] - self._weights[go_on]
        edge = self._bias[end] - self._bias[go_on]
        opened = parts[start, 1] + self._features.get_param("b")
        for token in range(start + 1, size - 1):
            hidden = _maxout(parts[token, 0] + opened + parts[token - 1, 2])
            margin = float(hidden @ difference + edge)
            if margin > 0 or (margin == 0 and end < go_on):
                return token + 1
        return size


def _maxout(pieces: Floats) -> Floats:
    """Return the largest piece of each unit; along the last axis, which is short."""
    import numpy as np

    largest: Floats = pieces[..., 0]
    for piece in range(1, pieces.shape[-1]):
        largest = np.maximum(largest, pieces[..., piece])
    return largest

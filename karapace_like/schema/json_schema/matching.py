"""Maximum matching in a bipartite graph (Hopcroft and Karp, 1973): how many alternatives find their own partner."""

from collections.abc import Sequence


def matching_size(partners: Sequence[Sequence[int]]) -> int:
    """Return the size of a maximum matching; `partners[left]` are the right nodes that a left node can get.

    Takes O(edges * sqrt(nodes)) and no recursion.
    """
    left_of: dict[int, int] = {}
    right_of: dict[int, int] = {}
    while True:
        layer = _layers(partners, left_of, right_of)
        count = sum(
            _augment(start, partners, layer, left_of, right_of)
            for start in range(len(partners))
            if start not in right_of
        )
        if not count:
            return len(right_of)


def _layers(partners: Sequence[Sequence[int]], left_of: dict[int, int], right_of: dict[int, int]) -> dict[int, int]:
    """Return the number of alternating steps from each left node to the nearest free one."""
    layer = {left: 0 for left in range(len(partners)) if left not in right_of}
    frontier = list(layer)
    while frontier:
        following: list[int] = []
        for left in frontier:
            for right in partners[left]:
                owner = left_of.get(right)
                if owner is not None and owner not in layer:
                    layer[owner] = layer[left] + 1
                    following.append(owner)
        frontier = following
    return layer


def _augment(
    start: int,
    partners: Sequence[Sequence[int]],
    layer: dict[int, int],
    left_of: dict[int, int],
    right_of: dict[int, int],
) -> bool:
    """Look for a path from a free left node to a free right one, layer by layer, and flip it."""
    path = [(start, iter(partners[start]))]
    taken: list[int] = []
    while path:
        left, candidates = path[-1]
        right = next(candidates, None)
        if right is None:
            path.pop()
            layer.pop(left, None)
            if taken:
                taken.pop()
            continue
        owner = left_of.get(right)
        if owner is None:
            taken.append(right)
            for (node, _), partner in zip(path, taken, strict=True):
                left_of[partner] = node
                right_of[node] = partner
            return True
        if layer.get(owner) == layer[left] + 1:
            taken.append(right)
            path.append((owner, iter(partners[owner])))
    return False

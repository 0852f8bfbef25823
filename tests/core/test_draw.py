"""The draw: order, winners, cascade, and what is wrong in a bundle."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import draw, rehearsal, rulebook
from quizsvc.core.draw import Wave, Winner
from quizsvc.core.rulebook import Tier

OPENS = datetime(2026, 12, 1, tzinfo=UTC)
IDS = [f"ENTRY{number:011}" for number in range(40)]
relaxed = settings(deadline=None, database=None, max_examples=60)
lists = st.lists(st.text("0123456789ABCDEF", min_size=4, max_size=4), min_size=1, max_size=30, unique=True)


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def tiers(*of: tuple[str, int, str]) -> tuple[Tier, ...]:
    return tuple(Tier(name=name, item="书", number=number, value_yuan=30, by=by) for name, number, by in of)


TIERS = tiers(("一等奖", 1, "draw"), ("冠军", 2, "standing"), ("二等奖", 3, "draw"))


def a_bundle(*, waves: tuple[Wave, ...] = (), value: str = "123456" * 4) -> dict[str, bytes]:
    rules = replace(rehearsal.rules(40, OPENS), tiers=TIERS)
    content = rulebook.written(rules)
    files = {draw.ENTRIES: draw.listed_text(IDS), draw.RULES: rulebook.text(content).encode()}
    draw_id = "TESTDRAW"
    if waves:
        files[draw.WAVES] = draw.waves_text(waves)
        draw_id = draw.named_with_waves(draw_id, files[draw.WAVES])
    return files | draw.result_files(
        draw_id=draw_id,
        rules_hash=rulebook.content_hash(content),
        rules=rules,
        entries=IDS,
        waves=draw.waves_read(files.get(draw.WAVES, b"")),
        value=value,
    )


def in_two_waves() -> dict[str, bytes]:
    return a_bundle(waves=(Wave(10000, tuple(IDS[:2])), Wave(9000, tuple(IDS[2:]))))


def foreign(winners: object, **changes: object) -> dict[str, bytes]:
    """A bundle of four files, as another program would write it."""
    fields = {"draw_id": "D1", "rules_hash": "r", "list_hash": hashed("\n".join(IDS)), "public_value": "7"}
    seed = hashed("|".join(fields.values()))
    ordered = sorted(IDS, key=lambda one: hashed(f"{seed}|{one}"))
    said = {**fields, "seed": seed, "at": "2026-12-21", **changes}
    chosen = winners(ordered) if callable(winners) else winners
    return {
        draw.ENTRIES: "\n".join(IDS).encode(),
        draw.ORDER: "\n".join(ordered).encode(),
        draw.DRAW: json.dumps(said).encode(),
        draw.WINNERS: json.dumps(chosen).encode(),
    }


def rewritten(files: dict[str, bytes], name: str, before: bytes, after: bytes) -> dict[str, bytes]:
    assert before in files[name]
    return files | {name: files[name].replace(before, after, 1)}


def test_the_formula_is_the_one_that_was_announced():
    listed = draw.list_hash(["B", "A", "C"])
    drawn = draw.seed(draw_id="D", rules_hash="R", listed=listed, public_value="V")

    assert listed == hashed("A\nB\nC")
    assert drawn == hashed(f"D|R|{listed}|V")
    assert draw.order(drawn, "ABC") == sorted("ABC", key=lambda one: hashed(f"{drawn}|{one}"))


@relaxed
@given(lists, st.randoms(use_true_random=False), st.text("0123456789", max_size=8))
def test_the_order_in_which_entries_are_given_does_not_matter(entries, chance, value):
    shuffled = list(entries)
    chance.shuffle(shuffled)

    assert draw.list_hash(shuffled) == draw.list_hash(entries)
    assert draw.order(value, shuffled) == draw.order(value, entries)
    assert sorted(draw.order(value, entries)) == sorted(entries)


@relaxed
@given(lists)
def test_an_entry_that_is_there_twice_is_refused(entries):
    with pytest.raises(ValueError, match="twice"):
        draw.list_hash([*entries, entries[0]])


@pytest.mark.parametrize("entry", ["", "A B", "A\n", "\u5f20", "A\u00a0"])
def test_an_entry_with_another_character_is_refused(entry: str):
    with pytest.raises(ValueError, match="character"):
        draw.list_hash(["A", entry])


@relaxed
@given(lists, st.data())
def test_taking_a_winner_away_only_moves_the_reserves_up(entries, data):
    ordered = draw.order("seed", entries)
    gone = data.draw(st.sampled_from(entries))

    assert draw.order("seed", [one for one in entries if one != gone]) == [o for o in ordered if o != gone]


def test_every_place_is_equally_likely_for_everybody():
    """Over many draws the mean of chi-square stays near its degrees of freedom (19); one run alone may be far off."""
    entries, draws = IDS[:20], 1500
    squares = []
    for row in range(4):
        counts = dict.fromkeys(entries, 0)
        for value in range(draws):
            counts[draw.order(draw.seed(draw_id=f"D{row}", rules_hash="R", listed="L", public_value=str(value)),
                              entries)[row]] += 1  # fmt: skip
        mean = draws / len(entries)
        squares.append(sum((count - mean) ** 2 / mean for count in counts.values()))

    assert 10 < sum(squares) / len(squares) < 31  # 19 +- 4 standard deviations of a mean of four


def test_those_who_reach_less_come_in_only_while_there_are_fewer_than_prizes():
    asked = []

    def steps():
        for step, reached in ((10000, "CA"), (9000, "ABC"), (8000, "ABCDE"), (7000, "ABCDEF")):
            asked.append(step)
            yield step, list(reached)

    assert draw.cascade(steps(), 4) == (Wave(10000, ("A", "C")), Wave(9000, ("B",)), Wave(8000, ("D", "E")))
    assert asked == [10000, 9000, 8000]
    assert draw.cascade(steps(), 2) == (Wave(10000, ("A", "C")),)
    assert draw.cascade(steps(), 0) == (Wave(10000, ("A", "C")),)
    assert len(draw.cascade(steps(), 99)) == 4
    assert draw.cascade((), 3) == ()


def test_prizes_go_wave_by_wave_and_one_to_an_entry():
    walked = draw.walk(list("DCBA"), {"A": 1, "B": 2, "C": 1, "D": 2})
    won = draw.winners(TIERS, walked)

    assert walked == list("CADB")
    assert won == (
        Winner(0, 1, "draw", 1, "C"), Winner(2, 1, "draw", 2, "A"), Winner(2, 2, "draw", 3, "D"),
        Winner(2, 3, "draw", 4, "B"),
    )  # fmt: skip
    assert draw.winners(TIERS, walked[:2]) == won[:2]
    assert draw.walk(list("BA"), {}) == list("BA")
    assert draw.prizes_by(TIERS, "draw") == 4


def test_prizes_by_standing_go_down_the_ranks_and_a_shared_rank_by_id():
    assert draw.winners_by_standing(TIERS, [(2, "Z"), (1, "M"), (2, "A")]) == (
        Winner(1, 1, "standing", 1, "M"),
        Winner(1, 2, "standing", 2, "A"),
    )


def test_waves_are_read_as_they_were_written():
    text = draw.waves_text((Wave(10000, ("B",)), Wave(9000, ("A", "C"))))

    assert text == b"A 2\nB 1\nC 2\n"
    assert draw.waves_read(text) == {"A": 2, "B": 1, "C": 2}


@pytest.mark.parametrize("files", [a_bundle(), in_two_waves(), a_bundle(value="")])
def test_a_bundle_that_was_written_can_be_verified(files: dict[str, bytes]):
    assert draw.problems(files) == []
    assert draw.unchecked(files) == []


def test_the_winners_of_a_bundle_are_the_first_of_the_first_wave():
    won = [one["entry_id"] for one in json.loads(in_two_waves()[draw.WINNERS])]

    assert set(won[:2]) == set(IDS[:2])
    assert len(won) == 4


@pytest.mark.parametrize(
    "winners",
    [
        lambda ordered: ordered[:3],
        lambda ordered: [{"entry_id": one} for one in ordered[:3]],
        lambda ordered: {"winners": [{"entry_id": one, "name": "李*"} for one in ordered[:3]]},
        lambda ordered: {"一等奖": ordered[:1], "count": 3, "二等奖": ordered[1:3]},
        lambda ordered: [
            {"entry_id": one, "tier": tier, "number": number, "place": place}
            for one, tier, number, place in zip(ordered, "aab", (1, 2, 1), (1, 2, 3), strict=False)
        ],
    ],
)
def test_a_bundle_of_four_files_by_another_program_can_be_verified(winners):
    assert draw.problems(foreign(winners)) == []
    assert "rules.json" in draw.unchecked(foreign(winners))[0]
    assert len(draw.unchecked(foreign(winners) | {"verify.py": b""})) == 2


def test_rules_of_another_kind_are_held_to_their_hash_alone():
    files = foreign(lambda ordered: ordered[:3], rules_hash=hashed("{}"))
    fields = json.loads(files[draw.DRAW])
    fields["seed"] = hashed(
        "|".join(fields[name] for name in ("draw_id", "rules_hash", "list_hash", "public_value"))
    )
    ordered = sorted(IDS, key=lambda one: hashed(f"{fields['seed']}|{one}"))
    files |= {draw.DRAW: json.dumps(fields).encode(), draw.ORDER: "\n".join(ordered).encode(),
              draw.WINNERS: json.dumps(ordered[:2]).encode()}  # fmt: skip

    assert draw.problems(files | {draw.RULES: b"{}"}) == []
    assert "rules_hash" in draw.problems(files | {draw.RULES: b"[]"})[0]


@pytest.mark.parametrize(
    ("winners", "words"),
    [
        (lambda ordered: ordered[1:3], "第 1 人和按公式"),
        (lambda ordered: [ordered[0], ordered[2]], "第 2 人和按公式"),
        (lambda ordered: [{"entry_id": ordered[0], "place": 2}], "名次"),
        (lambda ordered: [{"entry_id": ordered[0], "place": True}], "名次"),
        (
            lambda ordered: [{"entry_id": one, "tier": "a", "number": 1} for one in ordered[:2]],
            "第 2 人，名次",
        ),
        (lambda ordered: [*ordered, ordered[0]], "人数"),
        (lambda _: [], "没有人"),
        (lambda _: 7, "没有人"),
        (lambda _: [{"entry_id": 5}], "第 1 人"),
    ],
)
def test_winners_who_do_not_follow_are_found(winners, words: str):
    assert words in draw.problems(foreign(winners))[0]


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        (draw.ENTRIES, b"ENTRY00000000003\n", b"", "list_hash"),
        (draw.ENTRIES, b"ENTRY00000000003\n", b"ENTRY00000000004\n", "重复"),
        (draw.ENTRIES, b"ENTRY00000000003\n", b"ENTRY00000000009\n", "没有排好序"),
        (draw.ENTRIES, b"3\n", b"3\r\n", "不是编号"),
        (draw.ENTRIES, b"E", b"\xff", "UTF-8"),
        (draw.ENTRIES, b"ENTRY00000000039\n", b"ENTRY00000000039", "换行"),
        (draw.ORDER, b"E", b"\xff", "UTF-8"),
        (draw.ORDER, b"ENTRY00000000003", b"ENTRY00000000103", "order.txt 和按公式算出的不一样（从第"),
        (draw.DRAW, b"TESTDRAW", b"TESTDRAV", "seed"),
        (draw.DRAW, b'"seed"', b'"sead"', "没有 seed"),
        (draw.DRAW, b"{", b"[", "draw.json 读不出来"),
        (draw.DRAW, b'"1234', b'"1235', "seed"),
        (draw.DRAW, b" ", b"  ", "draw.json 和按公式"),
        (draw.WINNERS, b'"place": 1', b'"place": 1.0', "winners.json"),
        (draw.WINNERS, "二等奖".encode(), "一等奖".encode(), "winners.json"),
        (draw.RULES, b'"number":3', b'"number":4', "rules_hash"),
    ],
)  # fmt: skip
def test_a_changed_bundle_is_found_and_it_is_said_where(name: str, before: bytes, after: bytes, words: str):
    assert any(words in sentence for sentence in draw.problems(rewritten(a_bundle(), name, before, after)))


@pytest.mark.parametrize("name", draw.ALWAYS)
def test_a_missing_file_is_named(name: str):
    files = a_bundle()
    del files[name]

    assert draw.problems(files) == [f"缺少文件 {name}。"]


def test_an_empty_list_is_no_list():
    assert "没有编号" in draw.problems(a_bundle() | {draw.ENTRIES: b"", draw.ORDER: b""})[0]


def test_only_the_length_of_the_order_differs():
    files = a_bundle()
    longer = files | {draw.ORDER: files[draw.ORDER] + b"X\n"}

    assert "order.txt" in draw.problems(longer)[0]
    assert "order.txt" in draw.problems(foreign(lambda ordered: ordered[:1]) | {draw.ORDER: b"X"})[0]


def test_waves_are_bound_to_the_draw():
    files = in_two_waves()
    without = {name: body for name, body in files.items() if name != draw.WAVES}
    other = draw.waves_text((Wave(10000, tuple(IDS[5:7])), Wave(9000, tuple(IDS[:5] + IDS[7:]))))

    assert "缺少文件 waves.txt" in draw.problems(without)[0]
    assert "waves.txt 和抽奖编号" in draw.problems(files | {draw.WAVES: other})[0]
    assert "waves.txt 和抽奖编号" in draw.problems(a_bundle() | {draw.WAVES: other})[0]


IN_WAVE_NOUGHT = b"".join(f"{one} 0\n".encode() for one in IDS)


@pytest.mark.parametrize("text", [b"A 1\n", b"nothing", IN_WAVE_NOUGHT])
def test_waves_of_other_entries_are_found(text: bytes):
    fields = json.loads(a_bundle()[draw.DRAW])
    fields["draw_id"] = draw.named_with_waves("X", text)
    files = a_bundle() | {draw.WAVES: text, draw.DRAW: json.dumps(fields).encode()}

    assert draw.problems(files) == ["waves.txt 和 entries.txt 里的编号不一样。"]


def test_more_waves_than_the_rules_know_are_found():
    files = a_bundle(waves=(*(Wave(1, ()) for _ in range(4)), Wave(0, tuple(IDS))))

    assert draw.problems(files) == ["waves.txt 里的批次比规则里的多。"]

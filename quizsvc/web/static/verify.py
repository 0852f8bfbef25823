"""抽奖验算：只要 Python 3。把公示页上的文件下载到一个文件夹，再运行 python3 verify.py 文件夹"""

import hashlib
import json
import pathlib
import sys


def sha256(text: str) -> str:
    """算指纹。"""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def verify(folder: pathlib.Path) -> bool:
    """按公式重新算一遍，逐项和公布的比。"""
    said: list[bool] = []

    def check(what: str, same: bool) -> None:
        said.append(same)
        print("一致  " if same else "不一致", what)

    def read(name: str) -> str:
        return (folder / name).read_bytes().decode("utf-8")

    draw, winners = json.loads(read("draw.json")), json.loads(read("winners.json"))
    entries = read("entries.txt").split("\n")[:-1]
    check("名单：排好序，没有重复", entries == sorted(set(entries)))
    check("名单指纹", sha256("\n".join(entries)) == draw["list_hash"])
    seed = sha256("|".join((draw["draw_id"], draw["rules_hash"], draw["list_hash"], draw["public_value"])))
    check("种子", seed == draw["seed"])
    order = sorted(entries, key=lambda entry: sha256(seed + "|" + entry))
    check("抽出的顺序", read("order.txt") == "".join(entry + "\n" for entry in order))
    if ".w" in draw["draw_id"] or (folder / "waves.txt").exists():  # 先满分的，不够再往下
        waves = dict(line.split(" ") for line in read("waves.txt").split("\n")[:-1])
        bound = draw["draw_id"].endswith(".w" + sha256(read("waves.txt"))[:32])
        check("分批", bound and list(waves) == entries)
        order.sort(key=lambda entry: int(waves[entry]))
    check("中奖的人", [one["entry_id"] for one in winners] == order[: len(winners)])
    check("名次", [one["place"] for one in winners] == list(range(1, len(winners) + 1)))
    if (folder / "rules.json").exists():
        check("规则指纹", sha256(read("rules.json")) == draw["rules_hash"])
        tiers = [tier for tier in json.loads(read("rules.json"))["tiers"] if tier["by"] == "draw"]
        prizes = [(tier["name"], number + 1) for tier in tiers for number in range(tier["number"])]
        check("奖项", [(one["tier"], one["number"]) for one in winners] == prizes[: len(entries)])
    print(
        "可以验证：中奖结果就是按公布的规则抽出来的。"
        if all(said)
        else "有不一致，请留好这些文件，向主办方提出。"
    )
    return all(said)


if __name__ == "__main__":
    sys.exit(0 if verify(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")) else 1)

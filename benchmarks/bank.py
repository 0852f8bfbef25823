"""The questions both servers ask: made up for the measurement, each option says whether it is right."""

from dataclasses import dataclass
from typing import Final

RIGHT: Final = "（对）"
WRONG: Final = "（错）"
POINTS: Final = 10
ASKED: Final = 10
AMOUNTS: Final = (80, 260, 990)


@dataclass(frozen=True, slots=True)
class Question:
    """One single-choice question; `options[key]` is right. One `trap` differs only in the amount."""

    trap: str
    number: int
    channel: str
    sender: str
    message: str
    stem: str
    options: tuple[str, ...]
    key: int
    trick: str
    tell: str
    action: str


# trap, channel, sender, message, stem, right option, wrong options, trick, tell, action
_TRAPS: Final = (
    (
        "brushing", "chat", "兼职小助手", "动动手指给店铺点赞，一单返{}元，当天到账。先垫一点本金就行。",
        "同学把这条消息转给你，怎么做最稳妥？", "不垫钱，退出聊天，告诉家长",
        ("先做一单看看返不返", "垫完这一单就收手", "让同学先去试"),
        "先返小利，再让你一次次垫付。", "做任务要先垫钱。", "停下，不转账，告诉家长或打 96110。",
    ),
    (
        "game", "group", "装备收购", "你的号值{}元，加我在这个网站挂单，保证金交完马上提现。",
        "对方要你先交保证金，接下来怎么办？", "只在游戏自己的交易处卖，不交保证金",
        ("交一次，提现就退回来", "请对方再便宜一点", "把账号密码发给客服核对"),
        "假交易网站用“冻结”“解冻”骗保证金。", "提现之前要先交钱。", "关掉网页，改密码，跟家里人说。",
    ),
    (
        "police", "call", "某市公安局", "你的身份信息涉嫌洗钱，涉案{}元。请共享屏幕，把钱转入安全账户。",
        "接到这样的电话，第一步做什么？", "挂断，自己拨 110 核实",
        ("按要求打开屏幕共享", "先转一部分表示配合", "瞒着家里人自己处理"),
        "冒充公检法，用恐吓逼你转账。", "警察不会在电话里办案，也没有安全账户。", "挂断，拨 110 或 96110。",
    ),
    (
        "refund", "sms", "购物客服", "您购买的文具含违规成分，双倍赔付{}元，请加客服并下载会议软件办理。",
        "短信说得有名有姓，你会怎么做？", "打开原来的购物软件，问里面的客服",
        ("加客服问问能赔多少", "下载会议软件听他讲", "报上银行卡号等退款"),
        "用退款引你离开平台，再骗验证码。", "退款不需要会议软件。", "只在原平台里处理，不给验证码。",
    ),
    (
        "fans", "group", "明星后援会", "粉丝福利，扫码领签名照，另返{}元红包，未成年人请用家长手机操作。",
        "群里的人催你拿家长的手机，你会：", "不扫，退群，把经过告诉家长",
        ("趁家长不在快点领", "只扫一下不付款", "拍下付款码发给群主"),
        "打着偶像的名义，骗未成年人用家长的手机付款。", "领东西却要付款码。", "退群，告诉家长。",
    ),
    (
        "relay", "chat", "招电话小帮手", "两部手机放一起，帮忙转接电话，一小时{}元，不用出门。",
        "有人找你做这份“工作”，你会：", "拒绝，并告诉老师",
        ("只做一个小时不要紧", "介绍给缺钱的同学", "用旧手机做就没事"),
        "替骗子转接电话，是在帮人犯罪。", "钱来得太容易，事情说不清。", "拒绝，保留记录，告诉老师或警察。",
    ),
    (
        "cards", "chat", "学长", "收电话卡和银行卡，一套{}元，用完注销，不会查到你。",
        "学长说很多人都卖了，你会：", "不卖不借，劝他也别收",
        ("只借一个星期", "卖一张不用的旧卡", "先问问价钱再说"),
        "买卡是给骗子转移赃款用的。", "自己的卡，别人出钱要用。", "不卖不借不租。",
    ),
    (
        "teacher", "group", "班主任", "各位家长，资料费{}元今天收齐，请扫码备注姓名。在开会，勿打电话。",
        "家长群里突然收费，该怎么核实？", "给老师打电话，或当面问清再交",
        ("看到别人交了就交", "在群里回复收到并付款", "私聊这个头像问一问"),
        "骗子混进群，换上老师的头像和名字收钱。", "催得急，还不让打电话。", "电话或当面核实。",
    ),
    (
        "face", "call", "表哥", "视频里就是他的脸，说急用{}元，过会儿还，先别告诉家里。",
        "视频里看着像亲戚，还要做什么？", "挂断，用原来的号码打回去问",
        ("看到脸就可以放心", "少转一点试试", "让他把账号发过来"),
        "换脸和拟声可以做得很像。", "急着要钱，又不让告诉别人。", "换一条路核实，问只有家里人知道的事。",
    ),
    (
        "parcel", "sms", "快递服务", "您的包裹破损可赔{}元，点链接登记银行卡，逾期作废。",
        "正好在等快递，这条短信怎么处理？", "不点，到快递软件里查单号",
        ("点开看看是哪个包裹", "填一张没有钱的卡", "回短信问怎么赔"),
        "假链接收集卡号和验证码。", "赔付要填银行卡和验证码。", "不点链接，自己打开软件查。",
    ),
    (
        "loan", "call", "征信中心", "你注册过学生贷，不注销影响征信。请把额度提出来{}元转到监管账户。",
        "对方知道你的名字和学校，说明什么？", "信息可能泄露了，挂断并告诉家长",
        ("他一定是真的工作人员", "先转了再说，免得影响征信", "请他帮忙操作手机"),
        "吓唬你征信受损，骗你借钱再转走。", "个人征信没有人能电话修改。", "挂断，不借不转。",
    ),
    (
        "code", "chat", "同桌", "我手机坏了，收不到验证码，用你的号码接一下，给你发{}元红包。",
        "同桌的账号找你要验证码，你会：", "不给，打电话问他本人",
        ("都是同学，给他就是", "给了以后马上改密码", "先收红包再考虑"),
        "被盗的账号来骗验证码，好登录你的账户。", "要的是你的验证码。", "验证码不给任何人。",
    ),
)  # fmt: skip


def questions() -> tuple[Question, ...]:
    """List the questions: every trap with every amount."""
    found = []
    for place, (trap, channel, sender, message, stem, right, wrong, trick, tell, action) in enumerate(_TRAPS):
        for number, amount in enumerate(AMOUNTS, start=1):
            key = (place + number) % (len(wrong) + 1)
            options = [text + WRONG for text in wrong]
            options.insert(key, right + RIGHT)
            found.append(
                Question(
                    trap,
                    number,
                    channel,
                    sender,
                    message.format(amount),
                    stem,
                    tuple(options),
                    key,
                    trick,
                    tell,
                    action,
                )
            )
    return tuple(found)

"""Writes the held-out set for long-term memory; nothing is tuned on it.

    python3 generate.py        # writes conversations.jsonl and questions.jsonl beside itself, always the same

customers.txt holds what each customer said over months, written by hand: `=` begins a customer, `@` a conversation,
`C` and `A` are lines of the customer and of the desk, `{kind=value}` is what is worth remembering, `#label` names a
line, and `?` is what is asked later: sort, question, labels of the evidence. chatter.txt is what else people say,
traps.txt what must never be remembered. The lines of both files are strewn in. All people and things are made up.
"""

import datetime
import json
import pathlib
import random
import re

RANDOM = random.Random(7)
FOLDER = pathlib.Path(__file__).parent
# Pairs of chatter that are strewn into a conversation, and the share of conversations with a trap.
CHATTER = (3, 6)
TRAP_SHARE = 0.6
ASKED_AFTER_DAYS = 40


def lines(name):
    return [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def pairs():
    chatter = lines("chatter.txt")
    return [(chatter[at][2:], chatter[at + 1][2:]) for at in range(0, len(chatter), 2)]


def customers():
    for line in lines("customers.txt"):
        mark, rest = line[0], line[1:].strip()
        if mark == "=":
            customer = {"name": rest, "conversations": [], "questions": []}
            yield customer
        elif mark == "@":
            customer["conversations"].append({"day": datetime.datetime.fromisoformat(rest + "T10:00"), "lines": []})
        elif mark == "?":
            sort, question, labels = [part.strip() for part in rest.split("|")]
            customer["questions"].append((sort, question, labels.split(",")))
        else:
            label = re.search(r" #(\S+)$", rest)
            worth = re.search(r" \{(\w+)=(.*?)\}", rest)
            text = re.sub(r" (#\S+$|\{.*?\})", "", re.sub(r" #\S+$", "", rest)).strip()
            said = {"sender": "customer" if mark == "C" else "ai", "content": text, "label": label and label[1]}
            if mark == "C":
                said["worth"] = [[worth[1], worth[2]]] if worth else []
            customer["conversations"][-1]["lines"].append(said)


def strewn(conversation, pool, traps):
    """The conversation's exchanges in their order with chatter before, between and after them."""
    own = conversation["lines"]
    exchanges = [own[at:at + 2] for at in range(0, len(own), 2)]
    extra = [[{"sender": "customer", "content": asked, "worth": []}, {"sender": "ai", "content": told}]
             for asked, told in RANDOM.sample(pool, RANDOM.randint(*CHATTER))]
    if RANDOM.random() < TRAP_SHARE:
        extra.append([{"sender": "customer", "content": RANDOM.choice(traps), "worth": []},
                      {"sender": "ai", "content": RANDOM.choice(pool)[1]}])
    for exchange in extra:
        exchanges.insert(RANDOM.randint(0, len(exchanges)), exchange)
    return [line for exchange in exchanges for line in exchange]


def main():
    pool, traps = pairs(), lines("traps.txt")
    with open(FOLDER / "conversations.jsonl", "w", encoding="utf-8") as said_out, \
            open(FOLDER / "questions.jsonl", "w", encoding="utf-8") as asked_out:
        for customer in list(customers()):
            ids, count = {}, 0
            for number, conversation in enumerate(customer["conversations"], 1):
                time, messages = conversation["day"], []
                for line in strewn(conversation, pool, traps):
                    count, time = count + 1, time + datetime.timedelta(minutes=RANDOM.randint(1, 5))
                    message = {"id": f"{customer['name']}-m{count:03}", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                               "sender": line["sender"], "content": line["content"]}
                    if "worth" in line:
                        message["worth"] = line["worth"]
                    if line.get("label"):
                        ids[line["label"]] = message["id"]
                    messages.append(message)
                whole = {"customer": customer["name"], "id": f"{customer['name']}-{number}", "messages": messages}
                said_out.write(json.dumps(whole, ensure_ascii=False) + "\n")
            asked_at = (time + datetime.timedelta(days=ASKED_AFTER_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for number, (sort, question, labels) in enumerate(customer["questions"], 1):
                asked = {"id": f"{customer['name']}-q{number:02}", "customer": customer["name"], "sort": sort,
                         "question": question, "evidence": [ids[label] for label in labels], "at": asked_at}
                asked_out.write(json.dumps(asked, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

"""A tiny reader and a tiny atlas to train it on, for the tests of training."""

import json

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import MPNetConfig, MPNetForQuestionAnswering

from qa.training.data.examples import Share
from qa.training.data.questions import Example
from qa.training.data.windows import make_windows
from qa.training.reader.learning import Recipe

TOWNS = "Paris Rome Oslo Cairo Lima Delhi Quito Accra".split()
RIVERS = "Seine Tiber Aker Nile Rimac Yamuna Machangara Odaw".split()
FILLER = "Many people live there and they like it a great deal, whatever the weather may be on any given day. "
MIX = {"atlas": Share(1.0, 1.0)}


def example(number, **changes):
    town, river, year = TOWNS[number % 8], RIVERS[number % 8], 1800 + number
    context = f"The town of {town} lies on the river {river}. It was founded in {year} by settlers. {FILLER * 2}"
    question = f"On what river does the town of {town} lie?"
    given = {"id": f"atlas/{number}", "source": "atlas", "group": f"g{number // 8}", "question": question}
    return Example(**{**given, "context": context, "answers": ((river, context.index(river)),), **changes})


EXAMPLES = [example(number) for number in range(40)]


def write_examples(path, examples):
    lines = [
        {
            "id": e.id,
            "source": e.source,
            "group": e.group,
            "question": e.question,
            "context": e.context,
            "answers": [{"text": text, "start": start} for text, start in e.answers],
        }
        for e in examples
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def save_reader(folder):
    """A reader of two layers of 32 that has learnt nothing."""
    splitter = pre_tokenizers.BertPreTokenizer()
    texts = [text.lower() for e in EXAMPLES for text in (e.question, e.context)]
    words = sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(text)})
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = MPNetConfig(vocab_size=len(vocabulary), pad_token_id=1, **sizes)
    MPNetForQuestionAnswering(config).save_pretrained(folder)


def recipe(**changes):
    small = {"steps": 4, "warm_up_steps": 2, "decay_steps": 4, "frozen_layers": 1, "batch_tokens": 200, "rate": 1e-2}
    return Recipe(**{**small, "save_every_s": 0.0, **changes})


def tokenizer_of(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def windows_by(folder):
    tokenizer = tokenizer_of(folder)
    return lambda pair, rng: make_windows(pair, tokenizer, rng)

"""Tables and texts in the encodings of old programs come out as they were written, however short they are."""

import pytest

from index.formats.text.decoding import decode
from index.formats.text.delimited import load_csv

TABLES = {
    "German": "Name;Straße;Ort\nMüller;Größe 5;Zürich\nKöhler;Gänsemarkt 3;Lübeck\n",
    "names": "Name,City\nMüller,Köln\nSchmidt,Bonn\n",
    "one word": "Item,Price\nCafé,3\nTea,2\n",
    "French": "Nom;Ville;Reçu\nRené;Besançon;déjà\nHélène;Nîmes;à payer\n",
    "Danish": "Navn;By\nSøren;Århus\nÅse;Nørrebro\nKjær;Æbeltoft\n",
    "Spanish": "Nombre,Ciudad\nNúñez,A Coruña\nPeña,Cádiz\n",
}
OTHERS = [
    ("品名,色,棚\n茶碗,白,A3\n提灯,青,B7\n扇,緑,C1\n", "cp932"),
    ("Item,Colour\nBox,アオ\nLamp,黄色\nLantern,みどり\n", "cp932"),
    ("商品,单价\n茶叶,120\n灯笼,35\n", "gb18030"),
    ("品名,顏色\n茶葉,白\n燈籠,青\n", "big5"),
    ("이름,색\n등불,파랑\n부채,초록\n", "cp949"),
    ("Имя;Город\nИван;Москва\nАнна;Казань\n", "cp1251"),
    ("Имя;Город\nИван;Москва\nАнна;Казань\n", "cp866"),
    ("Имя;Город\nИван;Москва\nАнна;Казань\n", "koi8-r"),
    ("Name;Miasto\nŁukasz;Łódź\nZażółć;Gęślą\n", "cp1250"),
    ("Name;Miasto\nŁukasz;Łódź\nZażółć;Gęślą\n", "cp852"),
    ("Όνομα;Πόλη\nΓιώργος;Αθήνα\n", "cp1253"),
    ("İsim;Şehir\nÇağlar;İstanbul\nIşık;Muğla\n", "cp1254"),
]


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman", "iso8859-15"])
@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_western_tables(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(("text", "encoding"), OTHERS, ids=[f"{encoding} {text[:4]}" for text, encoding in OTHERS])
def test_tables_from_elsewhere(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_a_japanese_table_of_five_rows():
    table = "Item,Colour,Shelf\nTea bowl,赤,A3\nLantern,青,B7\nFan,白,C1\nKettle,黒,D4\n"
    content = load_csv(table.encode("cp932"))
    assert "Item: Lantern; Colour: 青; Shelf: B7" in content.text


def test_bytes_that_are_first_met_far_into_a_file_change_the_encoding():
    # 0x81 is no character of cp1252, which the beginning seems to be in.
    text = "Café, déjà vu. " * 100_000 + "Müller"
    content = text.encode("cp850")
    assert decode(content) == text

import pytest

from trigger_box.store import queries
from trigger_box.store.queries import QueryFile
from trigger_box.store.statements import Statement, Statements

FILES = [value for value in vars(queries).values() if isinstance(value, QueryFile)]


def test_names_become_numbers_in_the_order_they_first_stand() -> None:
    statement = Statement("UPDATE t SET a = :b, c = :a, d = :b WHERE id = :id")

    assert statement.text == "UPDATE t SET a = ?1, c = ?2, d = ?1 WHERE id = ?3"
    assert statement.values({"a": 1, "b": 2, "id": 3, "more": 4}) == (2, 1, 3)


def test_what_looks_like_a_name_inside_a_text_stays() -> None:
    statement = Statement("""SELECT ':a it''s :b', ":c", :d""")

    assert statement.text == """SELECT ':a it''s :b', ":c", ?1"""
    assert statement.values({"d": 1}) == (1,)


def test_a_query_without_parameters_has_no_values() -> None:
    assert Statement("SELECT 1").values({}) == ()


def test_a_missing_parameter_is_an_error() -> None:
    with pytest.raises(KeyError, match="b"):
        Statement("SELECT :a, :b").values({"a": 1})


def test_each_query_is_read_once() -> None:
    statements = Statements()

    assert statements["SELECT :a"] is statements["SELECT :a"]


@pytest.mark.parametrize("file", FILES, ids=[f"{n}" for n in range(len(FILES))])
def test_every_query_of_the_house_keeps_its_parameters(file: QueryFile) -> None:
    for name in file.names():
        query = getattr(file, name)
        statement = Statement(query)

        assert ":" not in "".join(
            part for index, part in enumerate(statement.text.split("'")) if index % 2 == 0
        ), f"{name} still holds a name"

"""`check --registry`, `register`, `plan`, `apply`, `diff` and `impact`, on a real service."""

import pytest

from tests.cli.shop import (
    ADDRESS,
    ADDRESS_WITH_CITY,
    ADDRESS_WITH_ZIP,
    LENGTH,
    NAME,
    ORDER,
    PARCEL,
    PERSON,
    SIZE,
    Shop,
)


def test_what_files_refer_to_is_registered_first(shop: Shop) -> None:
    files = {
        "order.avsc": ORDER,
        "z-address.avsc": ADDRESS,
        "parcel.proto": PARCEL,
        "common/size.proto": SIZE,
        "person.json": PERSON,
        "common/name.json": NAME,
        "common/length.json": LENGTH,
    }
    shop.write(files)
    ended = shop.run("register")
    assert ended.code == 0, ended
    assert shop.subjects() == ["length", "name", "order", "parcel", "person", "size", "z-address"]
    assert shop.version("order")["references"] == [
        {"name": "shop.Address", "subject": f"{shop.prefix}z-address", "version": 1}
    ]
    assert shop.version("parcel")["references"] == [
        {"name": "common/size.proto", "subject": f"{shop.prefix}size", "version": 1}
    ]
    assert [each["name"] for each in shop.version("person")["references"]] == ["common/name.json", "common/length.json"]
    again = shop.run("register")
    assert (again.code, again.out) == (0, "0 registered, the rest already exists\n")


def test_a_dry_run_registers_nothing(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    ended = shop.run("register", "order.avsc", "--dry-run")
    assert shop.plain(ended.out) == [
        "+ register address (address.avsc)",
        "+ register order (order.avsc), refers to the new version of address",
    ]
    assert shop.subjects() == []


def test_nothing_is_registered_if_one_schema_is_incompatible(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_ZIP, "another.avsc": '"int"'})
    ended = shop.run("register")
    assert ended.code == 1
    assert "address.avsc:2:4: error: READER_FIELD_MISSING_DEFAULT_VALUE" in ended.out
    assert shop.subjects() == ["address"]


def test_check_judges_by_the_registrys_versions(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_ZIP, "new.avsc": '"int"'})
    ended = shop.run("check", "--format", "json")
    verdicts = {each["subject"].removeprefix(shop.prefix): each["verdict"] for each in ended.json()["cases"]}
    assert ended.code == 1
    assert verdicts == {"address": "failed", "new": "passed", "order": "failed"}
    (problem,) = ended.json()["cases"][0]["problems"]
    assert problem["place"]["line"] == 2
    assert problem["old"]["path"] == f"{shop.prefix}address version 1"
    shown = shop.run("check").out
    assert shown.count("READER_FIELD_MISSING_DEFAULT_VALUE") == 1, "subjects that share a problem are listed below it"
    assert f"{shop.prefix}address (address.avsc): failed" in shown
    assert f"{shop.prefix}order (order.avsc): failed" in shown


@pytest.mark.parametrize(("level", "code"), [("BACKWARD", 0), ("BACKWARD_TRANSITIVE", 1), ("NONE", 0), ("FORWARD", 1)])
def test_check_takes_the_level_and_the_versions_that_count_from_the_registry(shop: Shop, level: str, code: int) -> None:
    """The third text reads what the second wrote, but not what the first did; the second cannot read the third."""
    road, both = ADDRESS.replace("street", "road"), ADDRESS.replace("}]}", '}, {"name": "road", "type": "string"}]}')
    shop.ask("PUT", f"/config/{shop.prefix}address", {"compatibility": "NONE"})
    for text in (ADDRESS, both):
        shop.write({"address.avsc": text})
        assert shop.run("register").code == 0
    shop.ask("PUT", f"/config/{shop.prefix}address", {"compatibility": level})
    shop.write({"address.avsc": road})
    assert shop.run("check").code == code


def test_plan_shows_what_apply_does_and_nothing_is_left(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "notes.avsc": '"string"'})
    shop.settings(
        f'compatibility = "FULL"\n[subjects."{shop.prefix}notes"]\ncompatibility = "NONE"\nmode = "READONLY"\n'
    )
    planned = shop.run("plan")
    assert planned.code == 0
    assert shop.plain(planned.out) == [
        "~ compatibility of address: not set -> FULL",
        "~ compatibility of notes: not set -> NONE",
        "~ compatibility of order: not set -> FULL",
        "+ register address (address.avsc)",
        "+ register notes (notes.avsc)",
        "+ register order (order.avsc), refers to the new version of address",
        "~ mode of notes: not set -> READONLY",
    ]
    assert shop.subjects() == []
    applied = shop.run("apply", "--yes")
    assert applied.code == 0, applied
    done = [line.removeprefix("done: ").partition(": version")[0] for line in shop.plain(applied.out)]
    assert done == shop.plain(planned.out), "each change once"
    assert (shop.level("address"), shop.level("notes")) == ("FULL", "NONE")
    assert shop.ask("GET", f"/mode/{shop.prefix}notes") == {"mode": "READONLY"}
    for command in ("plan", "apply"):
        again = shop.run(command)
        assert (again.code, again.out) == (0, "No changes: the registry matches the files.\n")


def test_a_closed_subject_is_opened_before_it_is_written(shop: Shop) -> None:
    name = f'[subjects."{shop.prefix}notes"]\n'
    shop.write({"notes.avsc": '"string"'})
    shop.settings(f'{name}mode = "READONLY"')
    assert shop.run("apply", "--yes").code == 0
    shop.settings(f'{name}mode = "READWRITE"')
    shop.write({"notes.avsc": '["null", "string"]'})
    ended = shop.run("apply", "--yes")
    assert ended.code == 0, ended
    assert shop.version("notes")["version"] == 2


def test_a_changed_reference_makes_new_versions_of_those_that_refer_to_it(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    assert shop.run("apply", "--yes").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_CITY})
    assert shop.plain(shop.run("plan").out) == [
        "+ register address (address.avsc)",
        "+ register order (order.avsc), refers to the new version of address",
    ]
    assert shop.run("apply", "--yes").code == 0
    assert shop.version("order")["references"][0]["version"] == 2


def test_deletes_only_when_told_and_only_what_no_file_has(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "notes.avsc": '"string"'})
    shop.settings(f'[subjects."{shop.prefix}notes"]\ncompatibility = "FULL"')
    assert shop.run("apply", "--yes").code == 0
    (shop.folder / "order.avsc").unlink()
    (shop.folder / "address.avsc").unlink()
    shop.settings("")
    assert shop.run("plan").out == "No changes: the registry matches the files.\n"
    ended = shop.run("apply", "--delete", f"{shop.prefix}*", "--yes")
    assert ended.code == 0, ended
    assert shop.plain(ended.out) == [
        "done: ~ compatibility of notes: FULL -> not set",
        "done: - delete order (1 version, softly)",
        "done: - delete address (1 version, softly)",
    ]
    assert shop.subjects() == ["notes"]


def test_a_saved_plan_is_done_as_it_is_or_not_at_all(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("plan", "--out", "plan.json").code == 0
    shop.write({"more.avsc": '"int"'})
    refused = shop.run("apply", "--plan", "plan.json", "--yes")
    assert refused.code == 2
    assert "make a new plan" in refused.err
    assert shop.subjects() == []
    (shop.folder / "more.avsc").unlink()
    assert shop.run("apply", "--plan", "plan.json", "--yes").code == 0
    assert shop.subjects() == ["address"]


def test_apply_does_nothing_where_a_schema_is_incompatible(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("apply", "--yes").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_ZIP, "more.avsc": '"int"'})
    for arguments in (["plan"], ["apply", "--yes"]):
        ended = shop.run(*arguments)
        assert ended.code == 1
        assert "address.avsc:2:4: error: READER_FIELD_MISSING_DEFAULT_VALUE" in ended.out
    assert shop.subjects() == ["address"]


def test_a_refusal_says_how_much_is_done(shop: Shop) -> None:
    """Another subject's schema refers to what is to be deleted."""
    shop.write({"notes.avsc": '"int"'})
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    assert shop.run("apply", "--yes").code == 0
    (shop.folder / "address.avsc").unlink()
    (shop.folder / "order.avsc").unlink()
    ended = shop.run("apply", "--delete", f"{shop.prefix}address", "--yes")
    assert ended.code == 2
    assert "0 of 1 changes are made" in ended.err
    assert "(42206)" in ended.err


def test_drift_is_told_by_the_exit_code(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("plan").code == 0
    assert shop.run("plan", "--fail-on-changes").code == 1
    assert shop.run("apply", "--yes").code == 0
    assert shop.run("plan", "--fail-on-changes").code == 0


def test_apply_asks_nobody_where_nobody_is(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    ended = shop.run("apply")
    assert ended.code == 2
    assert "Add --yes" in ended.err
    assert shop.subjects() == []


def test_a_plan_is_json_for_programs(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    register, refer = shop.run("plan", "--format", "json").json()["actions"]
    assert (register["action"], register["subject"]) == ("register", f"{shop.prefix}address")
    assert refer["references"] == [{"name": "shop.Address", "subject": f"{shop.prefix}address", "version": None}]


def test_diff_compares_versions_of_a_registry_with_each_other_and_with_files(shop: Shop) -> None:
    for text in (ADDRESS, ADDRESS_WITH_CITY):
        shop.write({"address.avsc": text})
        assert shop.run("register").code == 0
    name = f"{shop.prefix}address"
    ended = shop.run("diff", f"{name}@1", f"{name}@latest")
    assert ended.code == 1
    assert ended.out.splitlines()[0] == '+ field shop.Address.city: string, default ""'
    assert shop.run("diff", f"{name}@2", "address.avsc").code == 0
    missing = shop.run("diff", f"{name}@9", "address.avsc")
    assert (missing.code, "no version 9" in missing.err) == (2, True)


def test_impact_names_the_versions_and_the_subjects_near_and_far_that_would_break(shop: Shop) -> None:
    basket = '{"type": "record", "name": "Basket", "namespace": "shop", "fields": [{"name": "order", "type": "Order"}]}'
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "basket.avsc": basket, "other.avsc": '"int"'})
    assert shop.run("register").code == 0
    shop.ask("PUT", f"/config/{shop.prefix}order", {"compatibility": "NONE"})
    shop.write({"address.avsc": ADDRESS_WITH_ZIP})
    ended = shop.run("impact", "address.avsc")
    assert ended.code == 1
    direction = "(the new schema cannot read its data, is read by it)"
    told = [line for line in shop.plain(ended.out) if "READER_FIELD" not in line]
    assert told == [
        "address (address.avsc)",
        "  its versions:",
        f"    address version 1, BACKWARD: breaks {direction}",
        "  subjects that refer to it:",
        f"    order version 1, NONE: differs {direction}",
        f"    basket version 1, BACKWARD: breaks {direction}",
    ]


def test_impact_finds_subjects_whose_schema_would_be_none_any_more(shop: Shop) -> None:
    shop.write({"parcel.proto": PARCEL, "common/size.proto": SIZE})
    assert shop.run("register").code == 0
    shop.write({"common/size.proto": SIZE.replace("message Size", "message Volume")})
    (found,) = shop.run("impact", "common/size.proto", "--format", "json").json()
    assert [(each["subject"].removeprefix(shop.prefix), each["effect"]) for each in found["referring"]] == [
        ("parcel", "unreadable")
    ]


def test_impact_of_what_breaks_nothing(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_CITY, "new.avsc": '"int"'})
    ended = shop.run("impact")
    assert ended.code == 0
    assert "breaks" not in ended.out


def test_a_plan_of_a_folder_below_is_about_its_schemas_and_what_they_refer_to(shop: Shop) -> None:
    """And not about what lies beside it, nor about settings of the whole registry."""
    shop.settings('compatibility = "FULL"\n[registry]\ncompatibility = "NONE"\n')
    shop.write({"common/address.avsc": ADDRESS, "shop/order.avsc": ORDER, "beside/size.proto": SIZE})
    ended = shop.run("plan", "shop")
    assert ended.code == 0
    assert shop.plain(ended.out) == [
        "~ compatibility of order: not set -> FULL",
        "+ register address (common/address.avsc)",
        "+ register order (shop/order.avsc), refers to the new version of address",
    ]


def test_changes_are_made_in_parallel_after_those_that_they_need(shop: Shop) -> None:
    other = ADDRESS.replace("Address", "Other")
    notes = {f"note{at}.avsc": ADDRESS.replace("Address", f"Note{at}") for at in range(10)}
    shop.write({"z.avsc": ADDRESS, "a-order.avsc": ORDER, "other.avsc": other, **notes})
    shop.settings('compatibility = "FULL"\n')
    ended = shop.run("apply", "--yes", "--parallel", "8", "--format", "json")
    assert ended.code == 0, ended
    made = [each["change"].replace(shop.prefix, "") for each in ended.json()]
    assert len(made) == 2 * 13
    assert all(change.startswith("~ compatibility") for change in made[:13]), "levels come before schemas"
    assert made[-1].startswith("+ register a-order (a-order.avsc), refers to the new version of z")
    assert shop.run("plan").out == "No changes: the registry matches the files.\n"
    assert shop.run("apply", "--yes", "--format", "json").json() == []


def test_a_rejected_change_ends_a_parallel_run_with_the_number_of_changes_made(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS, "note.avsc": ADDRESS.replace("Address", "Note")})
    shop.ask("PUT", f"/mode/{shop.prefix}note", {"mode": "READONLY"})
    ended = shop.run("apply", "--yes", "--parallel", "2")
    assert ended.code == 2
    assert "The registry rejected this change: + register " in ended.err
    assert "1 of 2 changes are made; run the command again for the rest." in ended.err
    assert shop.subjects() == ["address"]


def test_a_plan_shows_problems_first(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_ZIP, "note.avsc": ADDRESS.replace("Address", "Note")})
    for command in (["plan"], ["apply", "--yes"]):
        ended = shop.run(*command)
        assert ended.code == 1
        assert ended.out.startswith("address.avsc:2:4: error: READER_FIELD_MISSING_DEFAULT_VALUE\n")
        assert "Without these problems, the plan is:\n+ register " in ended.out
        content = shop.run(*command, "--format", "json").json()
        assert [case["verdict"] for case in content["problems"]] == ["failed"]
        assert {action["subject"].removeprefix(shop.prefix) for action in content["actions"]} == {"address", "note"}
    assert shop.subjects() == ["address"]


def test_registrations_and_effects_are_for_programs_too(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert [each["action"] for each in shop.run("register", "--dry-run", "--format", "json").json()["actions"]] == [
        "register"
    ]
    (made,) = shop.run("register", "--format", "json").json()
    assert made["outcome"].startswith("version 1, id ")
    assert shop.run("register", "--format", "yaml").out == "[]\n"
    assert "effect: holds" in shop.run("impact", "--format", "yaml").out
    shop.write({"address.avsc": ADDRESS_WITH_ZIP})
    ended = shop.run("register", "--format", "json")
    assert (ended.code, ended.json()["cases"][0]["verdict"]) == (1, "failed")

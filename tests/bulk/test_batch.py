"""A batch makes what its journal does not know, records what is broken, and bounds its share."""

import logging

import pytest

from avaflow.bulk.batch import Limit, Task, provenance, run_tasks
from avaflow.bulk.journal import Journal, file_state
from avaflow.errors import BadVideo, UserError

LIMIT = Limit("videos of a test", "test.max_broken_share", 0.25, "Fix them.")


class Maker:
    """Makes a file per task, unless its name is among the broken; remembers what it made."""

    def __init__(self, folder, broken=()):
        self.folder, self.broken, self.made = folder, set(broken), []
        self.journal = Journal(folder / "journal.jsonl")

    def make(self, key: str, made_from: str) -> dict:
        self.made.append(key)
        if key in self.broken:
            raise BadVideo(f"{key}: torn", "torn", "too short")
        path = self.folder / key
        path.write_text(made_from)
        result = {"status": "made", "file": str(path)}
        self.journal.add(key, made_from, str(path), file_state(path), result)
        return result

    def run(self, keys, made_from="1", **more) -> dict:
        tasks = [
            Task(key, made_from, key, lambda key=key: self.make(key, made_from)) for key in keys
        ]
        log = logging.getLogger("test")
        return run_tasks(tasks, self.journal, ("made",), LIMIT, log, **more)


def test_each_is_made_once_until_what_it_is_made_from_changes(tmp_path):
    maker = Maker(tmp_path)
    assert maker.run(["a", "b", "a"])["a"]["status"] == "made" and maker.made == ["a", "b"]
    maker.run(["a", "b"])
    assert maker.made == ["a", "b"]
    maker.run(["a", "b"], made_from="2")
    assert maker.made == ["a", "b", "a", "b"]
    (tmp_path / "b").unlink()
    maker.run(["a", "b"], made_from="2")
    assert maker.made == ["a", "b", "a", "b", "b"]


def test_what_is_broken_is_recorded_and_not_tried_again(tmp_path):
    maker = Maker(tmp_path, broken=["b"])
    assert maker.run(["a", "b"])["b"] == {"status": "too short", "reason": "torn"}
    assert Maker(tmp_path).run(["a", "b"])["b"]["reason"] == "torn"
    assert maker.made == ["a", "b"]


def test_a_task_may_ask_for_more_than_its_file(tmp_path):
    maker = Maker(tmp_path)
    maker.run(["a"])
    task = Task("a", "1", "a", lambda: maker.make("a", "1"), lambda known: False)
    run_tasks([task], maker.journal, ("made",), LIMIT, logging.getLogger("test"))
    assert maker.made == ["a", "a"]


def test_the_journal_forgets_others_but_not_what_is_only_absent(tmp_path):
    maker = Maker(tmp_path)
    maker.run(["a", "b", "c"])
    maker.run(["a"], absent=["b"])
    assert sorted(Journal(tmp_path / "journal.jsonl").entries) == ["a", "b"]


@pytest.mark.parametrize(("broken", "fails"), [(5, False), (6, True)])
def test_the_share_of_broken_ones_is_bounded(tmp_path, broken, fails):
    names = [f"v{number:02d}" for number in range(20)]
    maker = Maker(tmp_path, broken=names[:broken])
    if not fails:
        assert len(maker.run(names)) == 20
        return
    with pytest.raises(UserError, match=r"6 of 20 videos of a test .*\(0.25\).*: v00: torn. Fix"):
        maker.run(names)
    assert len(Journal(tmp_path / "journal.jsonl").entries) == 20  # what was made stays known


def test_a_small_batch_is_not_judged_by_its_share(tmp_path):
    names = [f"v{number:02d}" for number in range(19)]
    assert len(Maker(tmp_path, broken=names).run(names)) == 19


def test_size_and_date_of_the_source_lead():
    row = {"bytes": "12", "changed": "34", "source": "a b.mp4"}
    assert provenance(row, 2, "x y") == "12 34 v2 x y a b.mp4"

"""Test which faces are the least certain, and how often people disagree with the model."""

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from crm.models import User
from emotions.models import EmotionRecord
from emotions.review.queries import FACES_PER_PAGE, Position, agreement, faces_to_review
from ml.labels import Emotion
from tests.support.factories import (
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
REVIEW, AGREEMENT = "/admin/review/", "/admin/review/agreement/"
HTMX = {"HX-Request": "true"}


def sure(percent: int, emotion: str = "happy", **values: object) -> EmotionRecord:
    """Create a record with this confidence, in percent, of at least 20."""
    rest = (100 - percent) / 600
    scores = {f"score_{each}": rest for each in Emotion} | {f"score_{emotion}": percent / 100}
    return EmotionRecordFactory(dominant_emotion=emotion, **scores | values)


def shown(user: User, **choice: object) -> list[EmotionRecord]:
    return [item.subject.record for item in faces_to_review(user, **choice).faces]  # type: ignore[arg-type]


def test_the_least_certain_come_first() -> None:
    sixty, thirty, ninety = (sure(percent) for percent in (60, 30, 90))
    assert shown(UserFactory()) == [thirty, sixty, ninety]


def test_only_the_customers_faces_on_which_nobody_spoke_by_the_model_that_counts() -> None:
    me = UserFactory()
    here = sure(60)
    EmotionRecordFactory(snapshot=here.snapshot, face_index=1)
    EmotionRecordFactory(snapshot=here.snapshot, model_version=ModelVersionFactory(version="2"))
    EmotionCorrectionFactory()
    sure(30, snapshot__interaction__customer__owner=UserFactory())
    assert shown(me) == [here]


def test_they_are_chosen_by_model_and_emotion() -> None:
    newer = ModelVersionFactory(version="2")
    happy, sad = sure(40), sure(50, "sad", snapshot__model_version=newer)
    me = UserFactory()
    assert shown(me, version=newer) == [sad]
    assert shown(me, emotion=Emotion.HAPPY) == [happy]
    page = text_of(browser_of(me).get(REVIEW, {"model": newer.pk, "emotion": "sad"}).content)
    assert "Appears sad 50%" in page
    assert "Appears happy 40%" not in page


def test_a_choice_that_there_is_not_is_told() -> None:
    sure(40)
    page = text_of(browser_of().get(REVIEW, {"model": "99", "after": "nonsense"}).content)
    assert "Select a valid choice" in page


def test_pages_follow_each_other_without_gap_also_among_equals() -> None:
    me, snapshots = UserFactory(), SnapshotFactory.create_batch(FACES_PER_PAGE + 3, analysed=True)
    first = faces_to_review(me)
    second = faces_to_review(me, after=first.next)
    assert second.next is None
    seen = [item.subject.record.snapshot for page in (first, second) for item in page.faces]
    assert seen == snapshots
    page = browser_of(me).get(REVIEW).content.decode()
    assert f"after={first.next}" in page


@pytest.mark.parametrize("text", ["", "1", "nan-1", "0.5-", "0.5-x", "-1-1", "0.5-1-1", "٣-1"])
def test_what_is_no_position_is_the_beginning(text: str) -> None:
    assert Position.parse(text) is None


def test_a_position_survives_the_address() -> None:
    for position in (Position(1 / 3, 12), Position(1.0, 1), Position(1e-07, 1)):
        assert Position.parse(str(position)) == position


def test_saying_it_is_right_takes_the_face_from_the_list() -> None:
    record, me = sure(40), UserFactory(first_name="Sam")
    browser = browser_of(me)
    assert "Right: happy" in text_of(browser.get(REVIEW).content)
    answer = browser.post(reverse("emotions:review_correct", args=[record.pk]), {"emotion": "happy"}, headers=HTMX)
    assert "Appears happy Said by Sam" in text_of(answer.content)
    assert "The model too: appears happy 40%" in text_of(answer.content)
    assert shown(me) == []
    browser.post(reverse("emotions:review_take_back", args=[record.pk]), headers=HTMX)
    assert shown(me) == [record]


def test_without_scripts_the_list_stays_where_it_was() -> None:
    record = sure(40)
    address = reverse("emotions:review_correct", args=[record.pk])
    answer = browser_of().post(f"{address}?emotion=happy&after=0.1-1", {"emotion": "sad"})
    assert answer.headers["Location"] == f"{REVIEW}?emotion=happy&after=0.1-1"


def test_nothing_is_saved_without_an_emotion() -> None:
    record, browser = sure(40), browser_of()
    address = reverse("emotions:review_correct", args=[record.pk])
    assert "Choose what you saw" in text_of(browser.post(address, headers=HTMX).content)
    assert "Choose what you saw" in text_of(browser.post(address, follow=True).content)
    assert shown(UserFactory()) == [record]


def test_the_list_takes_as_many_queries_for_many_faces(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    browser = browser_of()
    sure(40)
    with django_assert_max_num_queries(100) as few:
        browser.get(REVIEW)
    for percent in range(30, 45):
        sure(percent)
    with django_assert_max_num_queries(len(few)) as many:
        browser.get(REVIEW)
    assert not any("face_png" in query["sql"] for query in many.captured_queries)


def test_the_list_is_for_staff() -> None:
    assert browser_of(UserFactory(is_staff=False)).get(REVIEW).status_code == 302
    assert browser_of(UserFactory(is_staff=False)).get(AGREEMENT).status_code == 302


def test_disagreement_is_counted_by_model_and_class() -> None:
    careful = ModelVersionFactory(version="2", uncertain_below=0.5)
    for percent, emotion, said in (
        (80, "happy", "happy"),
        (80, "happy", "sad"),
        (80, "happy", "sad"),
        (80, "sad", "sad"),
        (40, "fear", "surprise"),
    ):
        record = sure(percent, emotion, snapshot__model_version=careful)
        EmotionCorrectionFactory(record=record, emotion=said)
    (version,) = agreement(UserFactory())
    assert (version.version, version.judged.faces, version.judged.percent) == (careful, 5, 60)
    assert (version.named.disagreed, version.uncertain.percent) == (2, 100)
    happy = next(each for each in version.classes if each.emotion == Emotion.HAPPY)
    assert (happy.judged.faces, happy.judged.percent, happy.instead) == (3, 67, (("sad", 2),))
    assert next(each for each in version.classes if each.emotion == Emotion.ANGRY).judged.percent is None


def test_the_page_of_agreement_tells_it() -> None:
    me = UserFactory()
    assert "Nobody has judged a face yet" in text_of(browser_of(me).get(AGREEMENT).content)
    EmotionCorrectionFactory()
    EmotionCorrectionFactory(record__snapshot__interaction__customer__owner=UserFactory())
    page = text_of(browser_of(me).get(AGREEMENT).content)
    assert "Faces that people judged 1 Disagreed 100% 1 of 1" in page
    assert "happy 100% 1 of 1 0 sad 1" in page

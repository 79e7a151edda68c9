from training.config import SMALL_SIZE, Phase, TrainingConfig


def test_a_plain_training_is_one_phase() -> None:
    assert TrainingConfig(epochs=22).phases() == [Phase(22, 48, 0.0)]


def test_the_first_epochs_may_see_small_faces() -> None:
    assert TrainingConfig(epochs=10, small_epochs=4).phases() == [Phase(4, SMALL_SIZE, 0.0), Phase(10, 48, 0.0)]


def test_mixing_stops_before_the_end() -> None:
    assert TrainingConfig(epochs=20, mixup=0.2).phases() == [Phase(17, 48, 0.2), Phase(20, 48, 0.0)]


def test_both_change_each_at_its_own_epoch() -> None:
    phases = TrainingConfig(epochs=20, mixup=0.2, small_epochs=10).phases()
    assert phases == [Phase(10, SMALL_SIZE, 0.2), Phase(17, 48, 0.2), Phase(20, 48, 0.0)]


def test_all_epochs_may_be_small() -> None:
    assert TrainingConfig(epochs=3, small_epochs=5).phases() == [Phase(3, SMALL_SIZE, 0.0)]

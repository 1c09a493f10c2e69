"""A number that was estimated from data: it computes as a float and says where it comes from."""

from __future__ import annotations

from typing import Any


class Estimated(float):
    """A float with its standard error and the way it was estimated.

    ``repr`` is that of the float, so that texts of models stay what they are; ``str`` says all.

    Attributes
    ----------
    standard_error : float
    how : str
    """

    standard_error: float
    how: str

    def __new__(cls, value: float, standard_error: float, how: str) -> Estimated:
        number = super().__new__(cls, value)
        number.standard_error = standard_error
        number.how = how
        return number

    def __reduce__(self) -> Any:
        return (type(self), (float(self), self.standard_error, self.how))

    def __str__(self) -> str:
        return f"{float(self):.6g} +- {self.standard_error:.2g}, estimated: {self.how}"

"""What the printed programs of full-batch training share: a step from the curvature, and a stop.

The second derivative of the loss is at most C = c X'SX / D + penalty.  Measured in units of the
roots of its diagonal, columns in any units are alike, so that each has a step of its own: with L
the largest eigenvalue in those units, steps 1 / (L C_jj) descend, and with momentum
(1 - r) / (1 + r), r^2 the ratio of the eigenvalues, the distance shrinks by about 1 - r per step.
A free bias takes up the centre of the columns.  Training ends when

    g' C^-1 g  <=  1e-16 (loss at the start),        g the gradient (of the proximal step)

which in units of the loss is twice the height above the optimum, were the loss quadratic.
Directions whose eigenvalue is below 1e-14 of the largest are taken for collinear: C does not
resolve them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """The numbers of one program.

    Attributes
    ----------
    bound : str
        On the second derivative of the loss of one row.
    divided : str
        What the sum over the rows is divided by, such as ``/ len(y)``; empty for a sum.
    weighted, bias : bool
        Whether rows have weights, and whether there is a bias.
    decay, bias_decay : float
        Curvature of the penalty of the weights, and of the bias.
    l1 : float
    """

    bound: str
    divided: str
    weighted: bool
    bias: bool
    decay: float
    bias_decay: float = 0.0
    l1: float = 0.0

    @property
    def centred(self) -> bool:
        return self.bias and self.bias_decay == 0.0

    def preparation(self) -> list[str]:
        """steps, lr, scale = steps / lr and momentum; X less its centre where that is free."""
        mean = "np.average(X, axis=0, weights=sample_weight)" if self.weighted else "X.mean(0)"
        rows = "np.column_stack([X, np.ones(len(y))])" if self.bias else "X"
        square = "(rows.T * sample_weight) @ rows" if self.weighted else "rows.T @ rows"
        penalty = f"np.full(X.shape[1], {self.decay!r})"
        penalty = f"np.append({penalty}, {self.bias_decay!r})" if self.bias else penalty
        centring = [f"centre = {mean}", "X = X - centre  # which the bias takes up"]
        return [
            *(centring if self.centred else []),
            f"rows = {rows}",
            f"decay = {penalty}  # the curvature of the penalty",
            f"curvature = {self.bound} * {square} {self.divided}".rstrip() + " + np.diag(decay)",
            "unit = np.sqrt(np.diag(curvature))  # each column has a step of its own",
            "unit[unit == 0] = 1",
            "eigenvalues = np.linalg.eigvalsh(curvature / np.outer(unit, unit))",
            "steps = 1 / (eigenvalues[-1] * unit**2)",
            "lr = float(steps.min())",
            "scale = steps / lr",
            "ratio = max(eigenvalues[0] / eigenvalues[-1], 1e-8) ** 0.5",
            "momentum = float((1 - ratio) / (1 + ratio))",
        ]

    def check(self) -> list[str]:
        """``height(w, gradient)``: how far above the optimum, given numpy's vectors."""
        proximal = (
            [
                f"    l1 = np.where(np.arange(len(w)) < X.shape[1], {self.l1!r}, 0)",
                "    new = w - steps * gradient",
                "    new = np.sign(new) * np.maximum(np.abs(new) - steps * l1, 0)",
                "    gradient = (w - new) / steps",
            ]
            if self.l1
            else []
        )
        return [
            "def height(w, gradient):",
            *proximal,
            "    slope = gradient / unit",
            "    newton = np.linalg.lstsq(curvature / np.outer(unit, unit), slope, rcond=1e-14)",
            "    return slope @ newton[0]",
        ]


def failed() -> list[str]:
    """The else of the loop that ends by break."""
    return [
        "else:",
        "    raise RuntimeError(",
        '        "not at the optimum: gradient descent is too slow here, as columns are nearly "',
        '        "collinear or the curvature is small. bayesreg.find_map does without it"',
        "    )",
    ]

"""Every initializer, for its configuration."""
from keras import Sequential
from keras import initializers as I
from keras import layers as L


def kernel(initializer):
    return lambda: Sequential([L.Input((4,)), L.Dense(3, kernel_initializer=initializer())])


CASES = {
    "constant": kernel(lambda: I.Constant(0.25)),
    "glorot_normal": kernel(lambda: I.GlorotNormal()),
    "he_uniform": kernel(lambda: I.HeUniform()),
    "he_normal": kernel(lambda: I.HeNormal()),
    "lecun_uniform": kernel(lambda: I.LecunUniform()),
    "lecun_normal": kernel(lambda: I.LecunNormal()),
    "random_normal": kernel(lambda: I.RandomNormal(mean=0.1, stddev=0.2)),
    "random_uniform": kernel(lambda: I.RandomUniform(minval=-0.3, maxval=0.4)),
    "truncated_normal": kernel(lambda: I.TruncatedNormal(mean=-0.1, stddev=0.3)),
    "variance_scaling": kernel(lambda: I.VarianceScaling()),
    "variance_scaling_out": kernel(lambda: I.VarianceScaling(scale=2.0, mode="fan_out", distribution="untruncated_normal")),
    "variance_scaling_uniform": kernel(lambda: I.VarianceScaling(scale=0.5, mode="fan_avg", distribution="uniform")),
    "orthogonal": kernel(lambda: I.Orthogonal(gain=1.4)),
    "identity": kernel(lambda: I.Identity()),
}

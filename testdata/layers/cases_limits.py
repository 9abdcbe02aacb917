"""Regularizers and constraints of weights: what they do is in the training steps of testdata/make_steps.py, here are their configurations."""
from keras import Sequential, constraints, regularizers
from keras import layers as L

CASES = {
    "dense": lambda: Sequential([L.Input((7,)), L.Dense(
        5, kernel_regularizer=regularizers.L1(0.02), bias_regularizer="l2",
        kernel_constraint=constraints.MaxNorm(1.5), bias_constraint=constraints.NonNeg())]),
    "conv2d": lambda: Sequential([L.Input((5, 6, 3)), L.Conv2D(
        4, 3, kernel_regularizer=regularizers.L1L2(l1=1e-5, l2=1e-4), bias_regularizer=regularizers.L2(1e-3),
        kernel_constraint=constraints.MinMaxNorm(0.5, 1.0, rate=0.25, axis=[0, 1, 2]), bias_constraint=constraints.UnitNorm())]),
    "batch_normalization": lambda: Sequential([L.Input((3, 4, 5)), L.BatchNormalization(
        beta_regularizer=regularizers.L1L2(l2=0.1), gamma_regularizer="l1",
        beta_constraint=constraints.MaxNorm(axis=-1), gamma_constraint="non_neg")]),
    "conv1d": lambda: Sequential([L.Input((9, 3)), L.Conv1D(
        4, 3, kernel_regularizer=regularizers.L1L2(), kernel_constraint=constraints.UnitNorm(axis=[0, 1]), bias_constraint=constraints.NonNeg())]),
    "depthwise_conv2d": lambda: Sequential([L.Input((5, 6, 3)), L.DepthwiseConv2D(
        3, depthwise_regularizer=regularizers.L2(0.01), depthwise_constraint=constraints.MaxNorm(2.0, axis=[0, 1]), bias_regularizer="l1")]),
    "separable_conv2d": lambda: Sequential([L.Input((5, 6, 3)), L.SeparableConv2D(
        4, 3, depthwise_regularizer="l1", pointwise_regularizer=regularizers.L2(0.01), pointwise_constraint="unit_norm", depthwise_constraint="non_neg")]),
    "conv2d_transpose": lambda: Sequential([L.Input((5, 6, 3)), L.Conv2DTranspose(
        4, 3, kernel_regularizer=regularizers.L1(0.01), kernel_constraint=constraints.MinMaxNorm(axis=-1))]),
    "layer_normalization": lambda: Sequential([L.Input((6, 5)), L.LayerNormalization(gamma_regularizer="l2", beta_constraint="max_norm")]),
    "group_normalization": lambda: Sequential([L.Input((4, 6)), L.GroupNormalization(3, gamma_constraint="non_neg", beta_regularizer="l2")]),
    "p_re_lu": lambda: Sequential([L.Input((4, 6)), L.PReLU(alpha_regularizer="l1", alpha_constraint="non_neg")]),
}

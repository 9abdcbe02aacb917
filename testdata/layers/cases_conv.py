"""Convolutions."""
from keras import Sequential, constraints, regularizers
from keras import layers as L


def case(shape, *layers):
    return lambda: Sequential([L.Input(shape), *[make() for make in layers]])


CASES = {
    "conv2d_valid": case((6, 7, 2), lambda: L.Conv2D(3, 2, strides=(2, 3))),
    "conv2d_dilated": case((8, 9, 3), lambda: L.Conv2D(4, (3, 2), dilation_rate=(2, 3), padding="same")),
    "conv2d_groups": case((5, 6, 6), lambda: L.Conv2D(9, 3, groups=3, padding="same", use_bias=False)),
    "conv2d_depthwise_by_groups": case((5, 6, 4), lambda: L.Conv2D(8, 3, groups=4, strides=2)),
    "conv2d_padded": case((6, 7, 3), lambda: L.ZeroPadding2D(((1, 0), (2, 1))), lambda: L.Conv2D(4, 3, strides=2)),
    "conv1d": case((9, 3), lambda: L.Conv1D(4, 3, strides=2, padding="same", activation="relu")),
    "conv1d_causal": case((8, 2), lambda: L.Conv1D(3, 3, dilation_rate=2, padding="causal")),
    "conv1d_groups": case((8, 4), lambda: L.Conv1D(6, 2, groups=2, use_bias=False)),
    "depthwise_conv2d": case((6, 7, 5), lambda: L.DepthwiseConv2D(3, padding="same", activation="relu")),
    "depthwise_conv2d_multiplier": case((7, 6, 3), lambda: L.DepthwiseConv2D((3, 2), strides=2, depth_multiplier=2, use_bias=False)),
    "depthwise_conv2d_dilated": case((8, 9, 4), lambda: L.DepthwiseConv2D(3, dilation_rate=2, padding="same")),
    "depthwise_conv2d_strided": case((8, 9, 4), lambda: L.ZeroPadding2D(1), lambda: L.DepthwiseConv2D(3, strides=2)),
    "depthwise_conv2d_strided_dilated": case((8, 9, 4), lambda: L.DepthwiseConv2D(3, strides=(2, 1), dilation_rate=2, padding="same")),
    "depthwise_conv2d_one_channel": case((5, 6, 1), lambda: L.DepthwiseConv2D(2, depth_multiplier=3)),
    "depthwise_conv1d": case((9, 4), lambda: L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2)),
    "separable_conv2d": case((7, 6, 3), lambda: L.SeparableConv2D(5, (3, 2), strides=2, padding="same", activation="relu")),
    "separable_conv2d_multiplier": case((7, 6, 3), lambda: L.SeparableConv2D(4, 3, depth_multiplier=2, use_bias=False)),
    "separable_conv1d": case((9, 3), lambda: L.SeparableConv1D(4, 3, padding="same")),
    "conv2d_transpose": case((4, 5, 3), lambda: L.Conv2DTranspose(2, (3, 2), activation="relu")),
    "conv2d_transpose_same": case((4, 5, 3), lambda: L.Conv2DTranspose(2, 3, strides=2, padding="same")),
    "conv2d_transpose_output_padding": case((4, 3, 3), lambda: L.Conv2DTranspose(2, 3, strides=(2, 3), padding="same", output_padding=(1, 2), use_bias=False)),
    "conv2d_transpose_small_kernel": case((3, 4, 2), lambda: L.Conv2DTranspose(3, 2, strides=3)),
    "conv2d_transpose_dilated": case((4, 5, 3), lambda: L.Conv2DTranspose(2, (3, 2), dilation_rate=(2, 3))),
    "conv2d_transpose_dilated_same": case((6, 5, 3), lambda: L.Conv2DTranspose(2, 3, dilation_rate=2, padding="same")),
    "conv1d_transpose": case((5, 3), lambda: L.Conv1DTranspose(2, 3, strides=2, padding="same")),
    "conv1d_transpose_output_padding": case((5, 3), lambda: L.Conv1DTranspose(2, 4, strides=3, output_padding=1)),
    "depthwise_conv2d_limits": case((4, 5, 2), lambda: L.DepthwiseConv2D(2, depthwise_regularizer="l1", bias_regularizer="l2", depthwise_constraint="non_neg")),
    "separable_conv1d_limits": case((5, 2), lambda: L.SeparableConv1D(
        3, 2, depthwise_regularizer="l2", pointwise_regularizer=regularizers.L1(0.5), bias_constraint="non_neg",
        pointwise_constraint=constraints.MaxNorm(2, axis=[0, 1]), depthwise_initializer="he_normal", pointwise_initializer="he_uniform")),
    "conv2d_transpose_limits": case((4, 5, 2), lambda: L.Conv2DTranspose(3, 2, kernel_regularizer="l2", kernel_constraint="non_neg", bias_initializer="ones")),
}

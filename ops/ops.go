// Package ops is meseta's vocabulary: the kinds of operation that a program is made of, their attributes, the shapes
// they take and give, and which operations compute their gradients. A Graph is a static single-assignment list of them.
//
// There is no arithmetic here: package kernels computes, package plan arranges.
package ops

import "errors"

// ErrShape is wrapped by every error about shapes that disagree.
var ErrShape = errors.New("shapes disagree")

// Activation is the function applied to an operation's result in its epilogue.
type Activation uint8

// The activations that kernels can fuse.
const (
	Linear Activation = iota // y = x
	ReLU                     // y = max(x, 0)
	ReLU6                    // y = min(max(x, 0), 6)
)

func (a Activation) String() string {
	switch a {
	case Linear:
		return "linear"
	case ReLU:
		return "relu"
	case ReLU6:
		return "relu6"
	}
	return "unknown activation"
}

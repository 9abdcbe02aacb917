package main

import (
	"gorgonia.org/gorgonia"

	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/layers"
)

// Shorter names for what Gorgonia's functions return errors for; they only fail where shapes disagree.
var must = gorgonia.Must

func number(x float32) *gorgonia.Node { return gorgonia.NewConstant(x) }

// focal is Σ -(1-p)^gamma·log p over the true class, p being its predicted probability: easy samples count less (arXiv:1708.02002).
func focal(gamma float32) expr.Func {
	return func(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
		p := must(gorgonia.Add(yPred, number(1e-7)))
		weight := must(gorgonia.Pow(must(gorgonia.Sub(number(1.00001), yPred)), number(gamma)))
		each := must(gorgonia.HadamardProd(yTrue, must(gorgonia.HadamardProd(weight, must(gorgonia.Log(p))))))
		return gorgonia.Neg(must(gorgonia.Sum(each, 1)))
	}
}

// dice is 1 - 2·Σ t·p/(Σ t + Σ p) of each sample's targets t and predictions p (arXiv:1606.04797).
func dice(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
	both := must(gorgonia.Sum(must(gorgonia.HadamardProd(yTrue, yPred)), 1))
	either := must(gorgonia.Add(must(gorgonia.Sum(yTrue, 1)), must(gorgonia.Sum(yPred, 1))))
	return gorgonia.Sub(number(1), must(gorgonia.Div(must(gorgonia.Mul(number(2), both)), either)))
}

// centerDistances is a layer that gives the squared distance of its input [D] to the center of each of some classes, which are weights that
// training moves (ECCV 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition").
func centerDistances(classes int) *expr.Layer {
	return &expr.Layer{
		Class: "CenterDistances",
		WeightList: func(in []layers.Shape) []layers.Weight {
			return []layers.Weight{{Name: "centers", Shape: layers.Shape{classes, in[0][0]}, Trainable: true, Initializer: layers.GlorotUniform{}}}
		},
		// |x-c|² = |x|² - 2x·c + |c|²
		Function: func(inputs, weights []*gorgonia.Node) (*gorgonia.Node, error) {
			x, c := inputs[0], weights[0]
			products := must(gorgonia.Mul(must(gorgonia.Mul(x, must(gorgonia.Transpose(c)))), number(-2)))
			ofX := must(gorgonia.Sum(must(gorgonia.Square(x)), 1))
			ofC := must(gorgonia.Sum(must(gorgonia.Square(c)), 1))
			return gorgonia.BroadcastAdd(must(gorgonia.BroadcastAdd(products, ofX, nil, []byte{1})), ofC, nil, []byte{0})
		},
	}
}

// center is the cross-entropy of the first classes numbers of the prediction, which are probabilities, plus weight/2 times the distance to the
// center of the true class, which the numbers behind them hold. Targets are as wide as the prediction, their second half is 0.
func center(classes int, weight float32) expr.Func {
	return func(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
		class := must(gorgonia.Slice(yTrue, nil, gorgonia.S(0, classes)))
		p := must(gorgonia.Slice(yPred, nil, gorgonia.S(0, classes)))
		distances := must(gorgonia.Slice(yPred, nil, gorgonia.S(classes, 2*classes)))
		logs := must(gorgonia.Log(must(gorgonia.Add(p, number(1e-7)))))
		each := must(gorgonia.Sub(must(gorgonia.Mul(distances, number(weight/2))), logs))
		return gorgonia.Sum(must(gorgonia.HadamardProd(class, each)), 1)
	}
}

// hit is 1 for samples whose first ten numbers are largest at the true class, else 0.
func hit(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
	class := must(gorgonia.Slice(yTrue, nil, gorgonia.S(0, 10)))
	p := must(gorgonia.Slice(yPred, nil, gorgonia.S(0, 10)))
	of := must(gorgonia.Sum(must(gorgonia.HadamardProd(class, p)), 1))
	return gorgonia.Gte(of, must(gorgonia.Max(p, 1)), true)
}

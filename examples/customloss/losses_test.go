package main

import (
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/expr/exprtest"
	"github.com/meseta-go/meseta/ops"
)

func TestLossesAreGorgonias(t *testing.T) {
	for name, f := range map[string]expr.Func{"focal": focal(2), "dice": dice, "center": center(3, .1)} {
		t.Run(name, func(t *testing.T) {
			exprtest.Check(t, exprtest.Expression{
				Shapes: []ops.Shape{{5, 6}, {5, 6}}, Low: .1, High: .9,
				Build: func(in []*gorgonia.Node) (*gorgonia.Node, error) { return f(in[0], in[1]) },
			})
		})
	}
	t.Run("distances", func(t *testing.T) {
		l := centerDistances(4)
		exprtest.Check(t, exprtest.Expression{
			Shapes: []ops.Shape{{5, 3}, {4, 3}},
			Build:  func(in []*gorgonia.Node) (*gorgonia.Node, error) { return l.Function(in[:1], in[1:]) },
		})
	})
}

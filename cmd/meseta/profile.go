package main

import (
	"fmt"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/plan"
	"github.com/meseta-go/meseta/random"
	"github.com/spf13/cobra"
)

// profile runs a compiled program a few times on random data and prints where its time goes.
func profile(c *cobra.Command, m *meseta.Model, p *plan.Program) error {
	g, err := m.Graph()
	if err != nil {
		return err
	}
	s := random.Stream{Purpose: random.Synthetic}
	x, labels := make([]float32, p.Batch*g.Input().Size()), make([]int32, p.Batch)
	for i := range x {
		x[i] = s.Normal()
	}
	for i := range labels {
		labels[i] = int32(i) % int32(g.OutputShape()[0])
	}
	r, err := p.Profile(11, func() { p.SetBatch(x, labels) })
	if err != nil {
		return err
	}
	operations, bytes, err := m.Limits()
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return printJSON(c, map[string]any{"profile": r, "peak_flops": operations, "peak_bytes_per_s": bytes})
	}
	_, err = fmt.Fprint(c.OutOrStdout(), r.Format(operations, bytes))
	return err
}

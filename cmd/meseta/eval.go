package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newEval() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval MODEL",
		Short: "Measure a model on data",
		Args:  exactly("MODEL"),
		RunE:  eval,
	}
	c.Flags().String("data", "mnist", "mnist for the MNIST test images, or "+dataKinds)
	addSkipBroken(c)
	addSteps(c)
	return c
}

func eval(c *cobra.Command, args []string) error {
	from, err := c.Flags().GetString("data")
	if err != nil {
		return err
	}
	skip, err := c.Flags().GetBool("skip-broken")
	if err != nil {
		return err
	}
	batch, on, err := steps(c)
	if err != nil {
		return err
	}
	m, err := openModel(c, on.config(args[0]))
	if err != nil {
		return err
	}
	defer m.Close()
	sayTraining(c.ErrOrStderr(), m)
	g, err := m.Graph()
	if err != nil {
		return err
	}
	ds, err := loadTest(sourceFor(g, from, 0, skip, c.ErrOrStderr()))
	if err != nil {
		return err
	}
	logs, err := m.Evaluate(c.Context(), ds, batch)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if wantsJSON(c) {
		return printJSON(c, logs)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%d samples: %s\n", ds.Len(), spell(logs))
	return err
}

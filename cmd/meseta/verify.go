package main

import (
	"fmt"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/spf13/cobra"
)

func newVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the sums of a model file",
		Args:  exactly("FILE"),
		RunE:  verify,
	}
}

func verify(c *cobra.Command, args []string) error {
	r, err := checkpoint.Verify(args[0])
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return printJSON(c, r)
	}
	_, err = fmt.Fprint(c.OutOrStdout(), r)
	return err
}

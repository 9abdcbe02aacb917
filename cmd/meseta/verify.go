package main

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/spf13/cobra"
)

func newVerify() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the sums of a model file",
		Args:  exactly("FILE"),
		RunE:  verify,
	}
	c.Flags().Bool("verbose", false, "show the sum of each array, not only those that are wrong")
	return c
}

func verify(c *cobra.Command, args []string) error {
	verbose, err := c.Flags().GetBool("verbose")
	if err != nil {
		return err
	}
	r, wrong := checkpoint.Verify(args[0])
	switch {
	case r == nil || wantsJSON(c) && wrong != nil:
		return wrong
	case wantsJSON(c):
		return printJSON(c, r)
	case verbose:
		_, err = fmt.Fprint(c.OutOrStdout(), r)
	default:
		_, err = fmt.Fprint(c.OutOrStdout(), r.Brief())
	}
	return errors.Join(wrong, err)
}

package metrics_test

import (
	"fmt"

	"github.com/meseta-go/meseta/metrics"
)

// Two areas under curves need two names.
func ExampleNamed() {
	list := []metrics.Metric{metrics.AUC{}, metrics.Named{Metric: metrics.AUC{Curve: "PR"}, As: "pr"}}
	for _, m := range list {
		fmt.Println(m.Name(), m.ClassName())
	}
	// Output:
	// auc AUC
	// pr AUC
}

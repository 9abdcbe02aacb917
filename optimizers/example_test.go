package optimizers_test

import (
	"fmt"
	"log"

	"github.com/meseta-go/meseta/optimizers"
)

// An optimizer by Keras's names, as in a configuration. In a program its fields are set: o := optimizers.NewSGD(); o.Momentum = 0.9.
func ExampleConfigured() {
	o, err := optimizers.Configured("sgd", map[string]any{"momentum": 0.9, "clipnorm": 1, "use_ema": true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.ClassName(), o.Rate(), "keeps for each weight:", optimizers.State(o))
	// Output: SGD 0.01 keeps for each weight: [average momentum]
}

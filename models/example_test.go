package models_test

import (
	"fmt"
	"log"

	"github.com/meseta-go/meseta/models"
)

func Example() {
	for _, name := range models.Names() {
		g, err := models.New(name)
		if err != nil {
			log.Fatal(err)
		}
		trainable, _ := g.Parameters()
		fmt.Println(name, g.Input(), "to", g.OutputShape(), trainable)
	}
	// Output:
	// mnist-cnn [28,28,1] to [10] 1199882
	// mobilenet-v2 [96,96,3] to [1000] 3504872
	// resnet20 [32,32,3] to [10] 272474
	// resnet50 [224,224,3] to [1000] 25557032
	// resnet9 [32,32,3] to [10] 6573120
	// vgg11-bn [32,32,3] to [10] 9231114
}

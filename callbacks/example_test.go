package callbacks_test

import (
	"fmt"
	"log"

	"github.com/meseta-go/meseta/callbacks"
)

// The callbacks of a configuration decide about a table of metrics, as they would in a run.
func Example() {
	list, err := callbacks.Decode([]byte(`
reduce_lr_on_plateau: {factor: 0.5, patience: 1}
early_stopping: {monitor: val_loss, patience: 2}
`))
	if err != nil {
		log.Fatal(err)
	}
	manager, err := callbacks.NewManager(list, callbacks.Setup{Metrics: []string{"loss"}, Validation: true, Epochs: 10, LearningRate: 0.1, Replay: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := manager.TrainBegin(); err != nil {
		log.Fatal(err)
	}
	for epoch, loss := range []float64{0.9, 0.7, 0.8, 0.75, 0.6} {
		if err := manager.EpochBegin(epoch); err != nil {
			log.Fatal(err)
		}
		outcome, err := manager.EpochEnd(epoch, callbacks.Logs{"loss": loss - 0.1, "val_loss": loss})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("epoch %d: val_loss %g, next rate %g\n", epoch+1, loss, manager.NextLearningRate())
		for _, d := range manager.LastRecord().Decisions {
			fmt.Println("  ", d.Callback, d.Action)
		}
		if outcome.Stop {
			break
		}
	}
	if err := manager.TrainEnd(nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// epoch 1: val_loss 0.9, next rate 0.1
	// epoch 2: val_loss 0.7, next rate 0.1
	// epoch 3: val_loss 0.8, next rate 0.05
	//    reduce_lr_on_plateau reduce_lr
	// epoch 4: val_loss 0.75, next rate 0.025
	//    early_stopping stop
	//    reduce_lr_on_plateau reduce_lr
}

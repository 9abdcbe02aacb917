package callbacks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// saver writes snapshots to files in the background, in the order in which they were given. It has a goroutine only while
// there is something to write.
//
// A file that waits to be written is replaced by a newer save to the same path. So training waits for the disk only where
// maxSnapshots copies of the model are waiting already.
type saver struct {
	mu      sync.Mutex
	changed *sync.Cond // a job was taken up or finished
	waiting []*saveJob
	writing bool
	failed  []saveFailure
}

const maxSnapshots = 4

// saveJob is one file to be written.
type saveJob struct {
	decision *Decision
	path     string // as configured
	file     string // where that lies
	weights  bool   // weights alone
	snapshot Snapshot
	moment   int      // tells snapshots apart
	removes  []string // files that go once this one is there
	undo     []func() // takes back what a callback believes to be saved, latest first
}

// saveFailure is a job that came to nothing.
type saveFailure struct {
	*saveJob
	err error
}

func newSaver() *saver {
	s := &saver{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// add gives it a job.
func (s *saver) add(job *saveJob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, older := range s.waiting {
		if older.file == job.file && len(older.removes) == 0 {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			job.undo = append(job.undo, older.undo...)
			break
		}
	}
	for s.snapshots(job.moment) > maxSnapshots {
		s.changed.Wait()
	}
	s.waiting = append(s.waiting, job)
	if !s.writing {
		s.writing = true
		go s.run()
	}
}

// snapshots counts the copies of the model that wait, that of moment included.
func (s *saver) snapshots(moment int) int {
	moments := map[int]bool{moment: true}
	for _, job := range s.waiting {
		moments[job.moment] = true
	}
	return len(moments)
}

// run works until nothing is left.
func (s *saver) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 {
		job := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.changed.Broadcast()
		s.mu.Unlock()
		err := job.write()
		s.mu.Lock()
		if err != nil {
			s.failed = append(s.failed, saveFailure{job, err})
		}
	}
	s.writing = false
	s.changed.Broadcast()
}

// write makes the directory, since fields of the template may name new ones, and writes. What the new file replaces goes
// only once it is there.
func (j *saveJob) write() error {
	if err := makeDirectory(j.file); err != nil {
		return err
	}
	if err := j.snapshot.Write(j.file, j.weights); err != nil {
		return err
	}
	var problems []error
	for _, file := range j.removes {
		if file == j.file {
			continue
		}
		info, err := os.Lstat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist): // somebody was quicker
			continue
		case err == nil && !info.Mode().IsRegular():
			err = errors.New("it is no regular file any more, so it stays")
		case err == nil:
			err = os.Remove(file)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("removing the older %s: %w", file, err))
		}
	}
	return errors.Join(problems...)
}

// wait waits until everything is written.
func (s *saver) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		s.changed.Wait()
	}
}

// failures are the jobs that came to nothing since it was last asked.
func (s *saver) failures() []saveFailure {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := s.failed
	s.failed = nil
	return failed
}

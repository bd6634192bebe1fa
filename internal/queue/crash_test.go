package queue

import (
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// TestRescue: what a killed process was doing is done by the next one.
func TestRescue(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		const jobs = 50
		q := b.open(t, Options{Workers: b.recording(false), JobTimeout: childTimeout, Rescue: childRescue})
		insertTasks(t, q, jobs)
		dying := spawn(t, b, true)
		b.untilStuck(t, dying)
		dying.kill(t)
		if n := b.jobsIn(t, rivertype.JobStateRunning); n < childConcurrency {
			t.Fatalf("%d jobs were left running, want %d or more", n, childConcurrency)
		}
		d := drainOK(t, q, patient)
		if d.Left != 0 || d.Discarded+d.Cancelled != 0 || b.jobsIn(t, rivertype.JobStateCompleted) != jobs {
			t.Errorf("%+v", d)
		}
		b.checkRuns(t, jobs, dying)
	})
}

// TestReplicas: three processes share the work, and the leader is killed.
func TestReplicas(t *testing.T) {
	t.Parallel()
	b := newPostgres(t)
	const jobs = 1000
	q := b.open(t, Options{})
	dying := spawn(t, b, true)
	until(t, "the first to lead", func() bool { return b.count(t, "select count(*) from river_leader") == 1 })
	others := []*process{spawn(t, b, false), spawn(t, b, false)}
	insertTasks(t, q, jobs)
	b.untilStuck(t, dying)
	dying.kill(t)
	until(t, "every job", func() bool { return b.jobsIn(t, rivertype.JobStateCompleted) == jobs })
	for _, other := range others {
		other.finish(t)
		n := b.count(t, "select count(*) from ours where pid = $1", other.Process.Pid)
		t.Logf("process %d ran %d jobs", other.Process.Pid, n)
		if n == 0 {
			t.Error("a process had no part in the work")
		}
	}
	b.checkRuns(t, jobs, dying)
}

func insertTasks(t *testing.T, q *Queue, n int) {
	t.Helper()
	jobs := make([]river.InsertManyParams, n)
	for i := range jobs {
		jobs[i] = job(task{N: i})
	}
	insertOK(t, q, jobs...)
}

// untilStuck waits until every worker of p is stuck in a job.
func (b *bed) untilStuck(t *testing.T, p *process) {
	t.Helper()
	until(t, "the process to be in the middle of its jobs", func() bool {
		return b.count(t, "select count(*) from ours where pid = $1 and what = 'stuck'", p.Process.Pid) == childConcurrency
	})
}

// checkRuns holds that each job was done by a process that lived or before the
// other died, and that only what the dead one had begun ran twice.
func (b *bed) checkRuns(t *testing.T, jobs int, dead *process) {
	t.Helper()
	pid := dead.Process.Pid
	if n := b.count(t, "select count(distinct n) from ours where what = 'did'"); n != jobs {
		t.Errorf("%d of %d jobs were done", n, jobs)
	}
	repeated := b.count(t, "select count(*) from (select n from ours group by n having count(*) > 1) as r")
	finished := b.count(t, `select count(*) from (select n from ours group by n
		having count(*) > 1 and count(case when pid = $1 and what = 'did' then 1 end) > 0) as r`, pid)
	t.Logf("%d jobs ran twice; %d of them had finished in the process that died", repeated, finished)
	if n := b.count(t, "select count(*) from (select n from ours where pid <> $1 group by n having count(*) > 1) as r", pid); n != 0 {
		t.Errorf("%d jobs ran twice in processes that lived", n)
	}
	if repeated < childConcurrency {
		t.Errorf("%d jobs ran twice: those in which the process died did not run again", repeated)
	}
}

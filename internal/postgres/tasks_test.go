package postgres

import (
	osexec "os/exec"
	"testing"
	"time"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
)

const taskID = "00000000-0000-0000-0000-000000000001"

// withTask returns the URL of a database in which one task is pending.
func withTask(t *testing.T) string {
	t.Helper()
	address := cluster.Clone(t, served)
	run(t, address, `insert into backfill_tasks (id, ticker, start_date, end_date, priority, status, created_at)
		values ('`+taskID+`', 'IBM', '2026-11-02', '2026-11-13', 'low', 'pending', now())`)
	return address
}

func openTasks(t *testing.T, store *Store) refresh.TaskQueue {
	t.Helper()
	queue, err := store.OpenTasks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(queue.Close)
	return queue
}

func wantClaim(t *testing.T, queue refresh.TaskQueue, want int) {
	t.Helper()
	claimed, err := queue.Claim(t.Context(), 9, 9, nil)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, len(claimed), want)
}

// tasksHeldBy makes the process that has claimed the task another one, though not the store.
func tasksHeldBy(t *testing.T, address, holder, expires string) {
	t.Helper()
	run(t, address, `update papertrade_leases set holder = jsonb_set('`+holder+`', '{store}', holder::jsonb -> 'store'), expires_at = clock_timestamp() + interval '`+expires+`'
		where name = 'tasks 1'`)
}

// A task that runs is that of the process whose lease it was claimed with, as long as that has the lease.
func TestTasksGoByTheLease(t *testing.T) {
	ended := osexec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	self := thisProcess()
	dead := self
	dead.PID = ended.Process.Pid
	elsewhere := process{Host: "beta", PID: 1}
	for _, test := range []struct {
		name    string
		holder  process
		expires string
		want    int
	}{
		{"alive", self, "1 minute", 0},
		{"ended", dead, "1 minute", 1},
		{"on another host", elsewhere, "1 minute", 0},
		{"on another host, out of time", elsewhere, "-1 second", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := withTask(t)
			first, second := openStore(t, address), openStore(t, address)
			second.leaseTimes.grace = 0
			queue, other := openTasks(t, first), openTasks(t, second)
			wantClaim(t, queue, 1)
			tasksHeldBy(t, address, encoded(t, test.holder), test.expires)
			wantClaim(t, other, test.want)
			diff(t, texts(t, address, `select status from backfill_tasks`), []string{"running"})
			_, err := first.CommitBatch(t.Context(), refresh.Batch{Tasks: []refresh.TaskResult{
				{ID: taskID, Status: refresh.TaskSucceeded, FinishedAt: time.Now()}}})
			if test.want == 0 {
				if err != nil {
					t.Error(err)
				}
				diff(t, texts(t, address, `select status from backfill_tasks`), []string{"succeeded"})
				return
			}
			storetest.WantError(t, err, refresh.ErrLeaseLost)
			diff(t, texts(t, address, `select status from backfill_tasks`), []string{"running"})
		})
	}
}

// A firewall, a time limit of the server or its administrator cut connections; the run is alive.
func TestTasksOutliveTheirConnections(t *testing.T) {
	address := withTask(t)
	first := openStore(t, address)
	wantClaim(t, openTasks(t, first), 1)
	run(t, address, `select pg_terminate_backend(pid, 5000) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	wantClaim(t, openTasks(t, openStore(t, address)), 0)
}

// What a process has claimed and not finished is pending for its next claim, and for others once it has closed its tasks. The
// leases are used again and again.
func TestUnfinishedTasks(t *testing.T) {
	address := withTask(t)
	for range 2 {
		queue, err := openStore(t, address).OpenTasks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantClaim(t, queue, 1)
		wantClaim(t, queue, 1)
		queue.Close()
	}
	diff(t, tokens(t, address), []string{"tasks 1 2 free"})
}

// The application sets a task aside while it is processed by hand, and has its row locked for minutes while it does so itself.
func TestTasksOfTheApplication(t *testing.T) {
	address := withTask(t)
	queue := openTasks(t, openStore(t, address))
	conn := connect(t, address)
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `begin; update backfill_tasks set status = 'running'`); err != nil {
		t.Fatal(err)
	}
	wantClaim(t, queue, 0)
	if _, err := conn.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	wantClaim(t, queue, 1)
	run(t, address, `update backfill_tasks set status = 'pending'`)
	wantClaim(t, openTasks(t, openStore(t, address)), 0)
}

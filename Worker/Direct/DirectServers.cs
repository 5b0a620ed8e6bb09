using System.Collections.Concurrent;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Direct;

/// <summary>Where the direct connections of this worker meet its servers of models: who serves what, and who is to hear of it.</summary>
internal sealed class DirectServers(IOptions<QueueOptions> options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<QueueName, Server> _servers = new();
    private readonly ConcurrentDictionary<DirectSession, bool> _sessions = new();

    public IReadOnlyCollection<DirectSession> Sessions => [.. _sessions.Keys];

    public DirectIntake IntakeOf(QueueName queue) => new(queue, options.Value, time);

    /// <summary>Says that a version is served from now on.</summary>
    /// <param name="take">Takes requests that the intake has admitted, on the reader of a connection.</param>
    /// <param name="dropCancelled">Lets those go that nobody waits for and that have not begun.</param>
    public void Open(DirectIntake intake, Action<IReadOnlyList<DirectRequest>> take, Action dropCancelled)
    {
        _servers[intake.Queue] = new Server(intake, take, dropCancelled);
        Tell();
    }

    /// <summary>Says that it is served no more. What is held stays the server's.</summary>
    public void Close(DirectIntake intake)
    {
        if (_servers.TryGetValue(intake.Queue, out var server) && server.Intake == intake)
        {
            _servers.TryRemove(KeyValuePair.Create(intake.Queue, server));
            Tell();
        }
    }

    /// <summary>Adds a connection whose peer has proven itself, and tells it what is served.</summary>
    public void Join(DirectSession session)
    {
        _sessions[session] = true;
        Tell();
    }

    /// <summary>Takes a connection off that has ended; what it had sent is cancelled.</summary>
    public void Leave(DirectSession session)
    {
        if (_sessions.TryRemove(session, out _))
        {
            foreach (var server in _servers.Values)
            {
                server.DropCancelled();
            }
        }
    }

    public bool TryGet(QueueName queue, out Server server) => _servers.TryGetValue(queue, out server!);

    public IReadOnlyList<DirectStanding> Standings() => [.. _servers.Values.Select(s => s.Intake.Standing)];

    public IReadOnlyList<DirectQueueStatus> Statuses() => [.. _servers.Values.Select(s => s.Intake.Status())];

    /// <summary>Shares the bounds among the workers of the fleet.</summary>
    public void Share(IReadOnlyList<WorkerStatus> workers)
    {
        foreach (var (queue, server) in _servers)
        {
            var name = queue.ToString();
            server.Intake.Workers = workers.Count(w => w.DirectQueues.Any(q => q.Model == name));
        }
    }

    // One after the other, so that the last word is the latest.
    private void Tell()
    {
        lock (_lock)
        {
            var serves = DirectMessages.EncodeServes([.. _servers.Keys]);
            foreach (var session in _sessions.Keys)
            {
                session.Send(FrameType.Serves, serves);
            }
        }
    }

    internal sealed record Server(DirectIntake Intake, Action<IReadOnlyList<DirectRequest>> Take, Action DropCancelled);
}

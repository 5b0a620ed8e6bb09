using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// An instance's own thread: runs block for as long as the model computes, and on the thread pool they would keep the
/// answers of others waiting.
/// </summary>
internal static class InstanceThread
{
    /// <returns>Done when the dispatcher is closed and the last batch is run.</returns>
    public static Task Start(string name, ModelSession session, BatchDispatcher dispatcher, BatchRunner runner)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                using var instance = session.CreateInstance();
                while (dispatcher.Take() is { } batch)
                {
                    runner.Run(instance, batch);
                }

                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return done.Task;
    }
}

using System.Runtime.ExceptionServices;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// Decodes the images of all models by half of the cores and at most four threads, so that the process's other work keeps its threads, and
/// what decoders take of memory does not grow with the number of models and instances.
/// </summary>
internal static class ImageThreads
{
    private const int MostThreads = 4;

    private static readonly ConcurrentExclusiveSchedulerPair Threads =
        new(TaskScheduler.Default, Math.Clamp(Environment.ProcessorCount / 2, 1, MostThreads));

    /// <summary>Blocks until all are done, or what runs is done and no more is begun.</summary>
    /// <exception cref="OperationCanceledException">It was ended, between two images.</exception>
    public static void ForEach(int count, Action<int> decode, CancellationToken terminate)
    {
        terminate.ThrowIfCancellationRequested();
        var options = new ParallelOptions
        {
            TaskScheduler = Threads.ConcurrentScheduler,
            CancellationToken = terminate,
            MaxDegreeOfParallelism = Threads.ConcurrentScheduler.MaximumConcurrencyLevel,
        };
        try
        {
            Parallel.For(0, count, options, decode);
        }
        catch (AggregateException exception)
        {
            // Of one kind mostly: there was no memory.
            ExceptionDispatchInfo.Throw(exception.Flatten().InnerExceptions[0]);
        }
    }
}

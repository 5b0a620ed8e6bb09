using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Which of the requests at hand may run together.</summary>
internal static class BatchPlan
{
    /// <summary>
    /// Splits requests into runs, oldest first: of one shape but for the first dimension, and at most
    /// <paramref name="maxRows"/> rows, except that a request that alone has more runs alone.
    /// </summary>
    public static IEnumerable<IReadOnlyList<QueuedRequest>> Split(
        ModelSignature signature, IReadOnlyList<QueuedRequest> requests, int maxRows)
    {
        if (!signature.IsBatchable)
        {
            foreach (var request in requests)
            {
                yield return [request];
            }

            yield break;
        }

        foreach (var sameShape in requests.GroupBy(ShapeKey, StringComparer.Ordinal))
        {
            var run = new List<QueuedRequest>();
            long rows = 0;
            foreach (var request in sameShape)
            {
                if (run.Count > 0 && rows + Rows(request) > maxRows)
                {
                    yield return run;
                    run = [];
                    rows = 0;
                }

                run.Add(request);
                rows += Rows(request);
            }

            yield return run;
        }
    }

    public static int Rows(QueuedRequest request) => request.Request.Inputs is [{ Shape: [var rows, ..] }, ..] ? (int)rows : 1;

    private static string ShapeKey(QueuedRequest request) => string.Join(
        ';', request.Request.Inputs.OrderBy(i => i.Name, StringComparer.Ordinal).Select(i => TensorShape.Format(i.Shape.AsSpan(1))));
}

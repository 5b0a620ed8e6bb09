namespace InferenceTemplate.Web.ApiClient;

/// <summary>Files of batch jobs, which may be larger than what is held in memory.</summary>
/// <param name="patient">It does not end a call before its own time.</param>
internal sealed class BatchOutputs(ApiTransport patient)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2);

    /// <param name="file"><c>output</c> or <c>errors</c>.</param>
    public Task<ApiResult<Done>> CopyAsync(
        string accessToken,
        Guid id,
        string file,
        Func<Stream, Action, CancellationToken, Task> copy,
        CancellationToken cancellationToken) =>
        patient.CopyAsync($"/v1/batches/{id}/{file}", accessToken, Silence, copy, cancellationToken);
}

using InferenceTemplate.Api.Inference;

namespace InferenceTemplate.Api.Jobs;

/// <summary>What a submission is answered: a job, which may be an earlier one with the same key, or a refusal.</summary>
internal sealed class JobAnswer
{
    private readonly JobFacts? _job;
    private readonly string? _error;
    private readonly bool _replayed;

    private JobAnswer(int status, JobFacts? job, string? error, bool replayed)
    {
        Status = status;
        _job = job;
        _error = error;
        _replayed = replayed;
    }

    public int Status { get; }

    /// <summary>Whether it adds work: neither refused, nor an earlier job.</summary>
    public bool IsNewJob => _job is not null && !_replayed;

    public static JobAnswer Accepted(JobFacts job, bool replayed = false) => new(StatusCodes.Status202Accepted, job, null, replayed);

    public static JobAnswer Refused(int status, string error) => new(status, null, error, replayed: false);

    public async Task WriteAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        if (_job is null)
        {
            if (Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            {
                headers.RetryAfter = "1";
            }

            await OpenInferenceErrors.Error(Status, _error!).ExecuteAsync(context);
            return;
        }

        if (_replayed)
        {
            headers["Idempotency-Replayed"] = "true";
        }

        context.Response.StatusCode = Status;
        headers.Location = $"/v1/jobs/{_job.Id}";
        headers["Preference-Applied"] = JobSubmission.RespondAsync;
        await context.Response.WriteAsJsonAsync(JobView.Of(_job), ApiJson.Default.JobView, cancellationToken: context.RequestAborted);
    }
}

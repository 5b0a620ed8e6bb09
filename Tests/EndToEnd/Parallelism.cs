// Each class here starts a platform of its own: two at once would fight for the cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

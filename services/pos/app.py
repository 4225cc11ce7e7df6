"""The tills' service: what it is made of."""

from contracts import pos
from services.pos import guards, views
from services.pos.branch import domain as branch
from services.pos.chain import domain as chain
from services.pos.chain import routes as chain_routes
from services.pos.intake import routes as intake_routes
from services.pos.intake.watch import watch
from services.pos.intake.worker import intake
from services.pos.sale import domain as sale
from services.pos.spending import domain as spending
from services.pos.till import domain as till
from services.pos.till import routes as till_routes
from services.pos.visit import domain as visit
from shared.decider import Aggregate
from shared.service import Service

_TILL_EVENTS = (pos.TillRegistered, pos.TillGapOpened, pos.TillGapClosed, pos.TillFlagged, pos.ItemParked)

app = Service(
    "pos",
    says=pos.EVENTS,
    aggregates=(
        Aggregate(
            "chain", chain, chain.Chain, (chain.DescribeChain,), (pos.ChainDescribed,), "chain_id", guards=guards
        ),
        Aggregate(
            "branch",
            branch,
            branch.Branch,
            (branch.DescribeBranch,),
            (pos.BranchDescribed,),
            "branch_id",
            guards=guards,
        ),
        Aggregate(
            "till", till, till.Till, (till.RegisterTill, till.NoteIntake), _TILL_EVENTS, "till_id", guards=guards
        ),
        Aggregate(
            "sale", sale, sale.Sale, (sale.RecordSale, sale.RefundSale), (pos.SaleRecorded, pos.SaleRefunded), "sale_id"
        ),
        Aggregate(
            "spending",
            spending,
            spending.Spending,
            (spending.RecordSpending,),
            (pos.PointsSpentAtTill,),
            "spending_id",
            "customer_id",
        ),
        Aggregate("visit", visit, visit.Visit, (visit.CheckIn,), (pos.VisitCheckedIn,), "visit_id", "customer_id"),
    ),
    views=views.RECEIPTS,
    routes=(*chain_routes.ROUTES, *till_routes.ROUTES, *intake_routes.ROUTES, *views.ROUTES),
    workers=(intake, watch),
)
